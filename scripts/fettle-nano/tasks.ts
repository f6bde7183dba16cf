import type { Random } from "../../src/base/random.ts";
import type { Article } from "./documents.ts";

/** One row of the corpus, in the formats that recipes read. */
export type CorpusRow =
  | { readonly text: string }
  | { readonly messages: readonly { readonly role: "user" | "assistant"; readonly content: string }[] };

const CONTINUE_ARTICLE = [
  "Continue the article.",
  "Write the article for this headline.",
  "What does the article under this headline say?",
  "Write a short news text for the headline below.",
  "Tell the story behind this headline.",
  "Here is a headline. Report the news.",
];

const WRITE_HEADLINE = [
  "Write a headline.",
  "Write a headline for this article.",
  "What is the title of this news text?",
  "Give the text below a title.",
  "Sum up the article in one line.",
  "What is the following article about? Answer with its headline.",
];

const CHOOSE_HEADLINE = [
  "Which headline belongs to the article?",
  "Choose the title that fits the text.",
  "Pick the right headline for this article from the list.",
  "One of these headlines is the article's. Which one?",
];

const FINISH_FILE: Readonly<Record<FileKind, readonly string[]>> = {
  Dockerfile: [
    "Complete the file.",
    "Complete the Dockerfile.",
    "Write the rest of this Dockerfile.",
    "What comes next in this Dockerfile?",
  ],
  "Solidity contract": [
    "Complete the file.",
    "Complete the contract.",
    "Write the rest of this Solidity code.",
    "What comes next in this contract?",
  ],
};

/** Headlines offered when one has to be chosen. */
const CHOICES = 3;

export type FileKind = "Dockerfile" | "Solidity contract";

/** The article as plain text, joined as the AG News recipes join it. */
export function plainArticle(article: Article): CorpusRow {
  return { text: `${article.title}\n${article.description}` };
}

/**
 * A question whose answer stands in the article itself: its text, its headline, or its headline among those of other
 * articles. No label is involved.
 */
export function articleTask(article: Article, others: readonly Article[], random: Random): CorpusRow {
  const kind = random.uniform();
  if (kind < 0.4) return ask(pick(CONTINUE_ARTICLE, random), article.title, article.description, random);
  if (kind < 0.8) return ask(pick(WRITE_HEADLINE, random), article.description, article.title, random);
  const titles = [article.title];
  while (titles.length < CHOICES) titles.push(pick(others, random).title);
  const list = Array.from(random.permutation(CHOICES), (index) => `- ${titles[index]}`).join("\n");
  return ask(`${pick(CHOOSE_HEADLINE, random)}\n${list}`, article.description, article.title, random);
}

/** A piece of a source file as plain text, or, half of the time, as the request to finish it. */
export function fileRow(piece: string, kind: FileKind, random: Random): CorpusRow {
  const lines = piece.split("\n");
  if (lines.length < 4 || random.uniform() < 0.5) return { text: piece };
  // Between a quarter and three quarters of the lines are given.
  const given = Math.round(lines.length * (0.25 + 0.5 * random.uniform()));
  const rest = lines.slice(given).join("\n");
  return ask(pick(FINISH_FILE[kind], random), lines.slice(0, given).join("\n"), rest, random);
}

/** The instruction stands before the text, or, one time in four, after it. */
function ask(instruction: string, text: string, answer: string, random: Random): CorpusRow {
  const content = random.uniform() < 0.25 ? `${text}\n\n${instruction}` : `${instruction}\n\n${text}`;
  return {
    messages: [
      { role: "user", content },
      { role: "assistant", content: answer },
    ],
  };
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[random.integer(list.length)]!;
}
