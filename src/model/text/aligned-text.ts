/**
 * A rewritten text that knows where each of its UTF-16 units came from: unit i stands for `source[starts[i] … ends[i]]`.
 * Without maps it is the source's slice from `base` on, unit for unit, which is the common case and costs nothing.
 */
export interface AlignedText {
  readonly text: string;
  readonly base: number;
  readonly starts?: Int32Array;
  readonly ends?: Int32Array;
}

export function startOf(aligned: AlignedText, unit: number): number {
  return aligned.starts === undefined ? aligned.base + unit : aligned.starts[unit]!;
}

/** Source position after the unit before `unit`, which is where a range `[…, unit)` ends. */
export function endOf(aligned: AlignedText, unit: number): number {
  return aligned.ends === undefined ? aligned.base + unit : aligned.ends[unit - 1]!;
}

export function slice(aligned: AlignedText, begin: number, end: number): AlignedText {
  const { text, base, starts, ends } = aligned;
  if (starts === undefined || ends === undefined) return { text: text.slice(begin, end), base: base + begin };
  return { text: text.slice(begin, end), base, starts: starts.subarray(begin, end), ends: ends.subarray(begin, end) };
}

/** A range of the old text and what replaces it; ranges are in order and do not overlap. */
export interface Edit {
  readonly begin: number;
  readonly end: number;
  readonly text: string;
}

/** Applies edits; every unit of a replacement stands for the whole range it replaced. */
export function edit(aligned: AlignedText, edits: readonly Edit[]): AlignedText {
  if (edits.length === 0) return aligned;
  const length = edits.reduce((sum, { begin, end, text }) => sum + text.length - (end - begin), aligned.text.length);
  const starts = new Int32Array(length);
  const ends = new Int32Array(length);
  let text = "";
  let from = 0;
  const copyTo = (to: number): void => {
    for (let i = from; i < to; i++) {
      starts[text.length + i - from] = startOf(aligned, i);
      ends[text.length + i - from] = endOf(aligned, i + 1);
    }
    text += aligned.text.slice(from, to);
  };
  for (const { begin, end, text: replacement } of edits) {
    copyTo(begin);
    // An insertion stands for an empty range at its place.
    const start = begin < aligned.text.length ? startOf(aligned, begin) : endOf(aligned, begin);
    starts.fill(start, text.length, text.length + replacement.length);
    ends.fill(end > begin ? endOf(aligned, end) : start, text.length, text.length + replacement.length);
    text += replacement;
    from = end;
  }
  copyTo(aligned.text.length);
  return { text, base: aligned.base, starts, ends };
}
