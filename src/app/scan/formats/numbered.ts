import type { Finding } from "../scan-result.ts";

/**
 * `fingerprint:n` of each finding, where it is the n-th with that fingerprint in its file: the same text twice.
 * @param findings in the result's order, so that the numbers do not depend on probabilities
 */
export function numbered(findings: readonly Finding[]): ReadonlyMap<Finding, string> {
  const counts = new Map<string, number>();
  const numberOf = (finding: Finding): string => {
    const key = JSON.stringify([finding.path, finding.fingerprint]);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return `${finding.fingerprint}:${count}`;
  };
  return new Map(findings.map((finding) => [finding, numberOf(finding)]));
}
