import { createHash } from "node:crypto";

/** File systems allow 255 bytes, and whole paths must stay handy. */
const MAX_LENGTH = 120;

/**
 * A folder's name for axis -> label, `r-8_max_length-512`: the last parts of the axes' names where these are distinct, and of
 * labels what every file system takes. What is lost by that is told apart by a hash.
 */
export function folderName(labels: Readonly<Record<string, string>>, axes: readonly string[]): string {
  const short = (axis: string): string => {
    const last = axis.split(".").at(-1)!;
    return axes.filter((other) => other.split(".").at(-1) === last).length > 1 ? axis : last;
  };
  const entries = Object.entries(labels);
  const name = entries.map(([axis, label]) => `${plain(short(axis))}-${plain(label)}`).join("_");
  const exact = entries.every(([axis, label]) => plain(axis) === axis && plain(label) === label);
  if (exact && name.length <= MAX_LENGTH) return name;
  const hash = createHash("sha256").update(JSON.stringify(entries)).digest("hex").slice(0, 8);
  return `${name.slice(0, MAX_LENGTH)}-${hash}`;
}

function plain(text: string): string {
  return text.replace(/[^\w.+-]+/g, "-").replace(/^[-.]+|[-.]+$/g, "") || "empty";
}
