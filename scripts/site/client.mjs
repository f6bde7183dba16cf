/** What the pages do in a browser: search, copying of code, choice of colours, the menu on phones. */
const root = document.documentElement;
const own = document.currentScript;
const base = new URL(".", own.src);
root.classList.add("scripts");
/** Pages on disk have no storage in some browsers. */
const storage = {
  read: () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  },
  write: (theme) => {
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // The choice holds for this page.
    }
  },
};
const chosen = storage.read();
if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;

addEventListener("DOMContentLoaded", () => {
  theme(document.querySelector("button.theme"));
  menu(document.querySelector("button.menu"));
  for (const block of document.querySelectorAll(".code")) block.append(copyButton(block));
  search(document.querySelector(".search input"), document.getElementById("found"));
});

function theme(button) {
  const isDark = () =>
    (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const name = () => {
    button.textContent = isDark() ? "Light" : "Dark";
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    storage.write(root.dataset.theme);
    name();
  });
  name();
}

function menu(button) {
  const navigation = document.getElementById("navigation");
  button.addEventListener("click", () => {
    button.setAttribute("aria-expanded", String(navigation.classList.toggle("open")));
  });
}

function copyButton(block) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(block.querySelector("code").textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(block.querySelector("code"));
      button.textContent = "Selected";
    }
    setTimeout(() => {
      button.textContent = "Copy";
    }, 1500);
  });
  return button;
}

function search(input, list) {
  let loading;
  const load = () => {
    loading ??= new Promise((resolve) => {
      const script = document.createElement("script");
      script.src = own.dataset.index;
      script.addEventListener("load", () => resolve(globalThis.searchIndex));
      document.head.append(script);
    });
    return loading;
  };
  let current = -1;
  const select = (at) => {
    current = at;
    for (const [i, item] of [...list.children].entries()) item.setAttribute("aria-selected", String(i === at));
    const item = list.children[at];
    if (item) input.setAttribute("aria-activedescendant", item.id);
    else input.removeAttribute("aria-activedescendant");
    item?.scrollIntoView({ block: "nearest" });
  };
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    select(-1);
  };
  const show = async () => {
    const rows = await load();
    const words = input.value.toLowerCase().match(/\S+/g) ?? [];
    if (words.length === 0) return close();
    const found = best(rows, words);
    list.replaceChildren(...found.map((row, i) => itemOf(row, words, i)));
    if (found.length === 0) {
      const nothing = document.createElement("li");
      nothing.setAttribute("role", "presentation");
      nothing.textContent = "Nothing found";
      list.append(nothing);
    }
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    select(found.length > 0 ? 0 : -1);
  };
  input.addEventListener("focus", load, { once: true });
  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => {
    const count = list.querySelectorAll("[role=option]").length;
    if (event.key === "Escape") close();
    else if (list.hidden || count === 0) return;
    else if (event.key === "ArrowDown") select((current + 1) % count);
    else if (event.key === "ArrowUp") select((current - 1 + count) % count);
    else if (event.key === "Enter" && current >= 0) go(list.children[current]);
    else return;
    event.preventDefault();
  });
  const go = (item) => {
    close();
    location.href = new URL(item.dataset.url, base).href;
  };
  list.addEventListener("click", (event) => {
    const item = event.target.closest("[role=option]");
    if (item) go(item);
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".search")) close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest("input, textarea")) return;
    event.preventDefault();
    input.focus();
  });
}

/** Sections that have every word, those with them in headings first. */
function best(rows, words) {
  const scored = [];
  for (const row of rows) {
    const heading = row.heading.toLowerCase();
    const page = row.page.toLowerCase();
    const text = row.words.toLowerCase();
    let score = 0;
    for (const word of words) {
      const own =
        (heading.includes(word) ? 6 : 0) + (page.includes(word) ? 3 : 0) + Math.min(3, text.split(word).length - 1);
      if (own === 0) {
        score = 0;
        break;
      }
      score += own;
    }
    if (score > 0) scored.push({ row, score });
  }
  return scored
    .sort((a, b) => b.score - a.score)
    .slice(0, 12)
    .map(({ row }) => row);
}

function itemOf({ url, page, heading, words }, wanted, i) {
  const item = document.createElement("li");
  item.id = `found-${i}`;
  item.setAttribute("role", "option");
  item.dataset.url = url;
  const title = document.createElement("strong");
  title.textContent = heading === page ? page : `${page}: ${heading}`;
  const excerpt = document.createElement("span");
  const at = Math.max(0, words.toLowerCase().indexOf(wanted[0]) - 50);
  excerpt.textContent = (at > 0 ? "… " : "") + words.slice(at, at + 150);
  item.append(title, excerpt);
  return item;
}
