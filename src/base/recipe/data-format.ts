/** The ways in which data files are written, as `data.format` names them; the readers are in `tune/data/readers`. */
export const dataFormats = ["jsonl", "json", "label-studio", "csv", "tsv", "parquet", "text", "folder"] as const;

export type DataFormat = (typeof dataFormats)[number];
