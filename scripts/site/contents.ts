export interface ContentsGroup {
  readonly title: string;
  readonly files: readonly string[];
}

/** The pages of the site in the order of its navigation, by their files in the project. Pages of docs/ that are not here come last. */
export const contents: readonly ContentsGroup[] = [
  { title: "Begin", files: ["README.md", "docs/start.md", "docs/troubleshooting.md", "docs/compare-with-peers.md"] },
  {
    title: "From data to proof",
    files: [
      "docs/guide/project-ag-news.md",
      "docs/guide/project-dockerfile-risks.md",
      "docs/guide/project-java-vulnerabilities.md",
      "docs/guide/project-solidity-korean-code.md",
    ],
  },
  {
    title: "Data",
    files: ["docs/guide/data-formats.md", "docs/guide/prepare-data.md", "docs/guide/label-with-label-studio.md"],
  },
  {
    title: "Train",
    files: [
      "docs/guide/train-a-classifier.md",
      "docs/guide/class-heads-and-losses.md",
      "docs/guide/train-on-a-gpu.md",
      "docs/guide/several-gpus.md",
      "docs/guide/dash.md",
      "docs/guide/trackers.md",
      "docs/guide/models-from-the-hub.md",
      "docs/guide/sweep.md",
    ],
  },
  { title: "Judge", files: ["docs/guide/measure.md", "docs/guide/compare.md", "docs/guide/scanners.md"] },
  {
    title: "Use",
    files: [
      "docs/guide/serve.md",
      "docs/guide/scan.md",
      "docs/guide/scan-in-ci.md",
      "docs/guide/export.md",
      "docs/guide/container.md",
      "docs/guide/library.md",
    ],
  },
  { title: "Reference", files: ["docs/recipe.md", "docs/cli.md", "docs/api.md"] },
  {
    title: "Recipes and sets",
    files: [
      "recipes/ag-news/README.md",
      "recipes/code-instruct/README.md",
      "recipes/dockerfile-risks/README.md",
      "recipes/java-vulnerabilities/README.md",
      "recipes/korean-qa/README.md",
      "recipes/solidity-swc/README.md",
      "data/dockerfile-risks/README.md",
    ],
  },
  {
    title: "How it works",
    files: ["docs/architecture.md", "docs/performance.md", "docs/results.md", "docs/log.md"],
  },
  {
    title: "Take part",
    files: [
      "CONTRIBUTING.md",
      "docs/adding/family.md",
      "docs/adding/op.md",
      "docs/adding/metric.md",
      "docs/adding/command.md",
      "CHANGELOG.md",
    ],
  },
];
