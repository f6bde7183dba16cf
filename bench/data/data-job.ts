/** What both sides do with a JSONL file of `{text, label}`. */
export interface DataJob {
  readonly file: string;
  /** Folder of the tokenizer and the chat template. */
  readonly model: string;
  readonly system: string;
  /** In front of the text in the user's message. */
  readonly user: string;
  readonly threads: number;
}

export interface DataAnswer {
  readonly rows: number;
  readonly tokens: number;
  /** Tokens that are learnt. */
  readonly targets: number;
  readonly seconds: number;
  /** Of all threads and processes: what other work on the machine changes least. */
  readonly cpuSeconds: number;
  /** Seconds by stage. */
  readonly stages: Readonly<Record<string, number>>;
  /** The most memory that all processes together can have held. */
  readonly peakBytes: number;
}

export const newsPrompt: Pick<DataJob, "system" | "user"> = {
  system: `You are a news editor. You sort short news articles into exactly one of four categories.

World: politics, war and peace, diplomacy, elections, disasters and crime anywhere.
Sports: matches, tournaments, teams, athletes, transfers and records.
Business: companies, markets, prices, jobs, trade and the economy.
Sci/Tech: science, space, computers, software, the internet and gadgets.

Rules:
1. Go by what the article is mainly about, not by a name it mentions.
2. A company's product is Sci/Tech; its profits, deals and lawsuits are Business.
3. Governments and courts are World, unless the story is about a market or a technology.
4. Answer with JSON and nothing else.`,
  user: "Classify:\n\n",
};
