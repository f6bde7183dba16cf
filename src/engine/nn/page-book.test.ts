import assert from "node:assert/strict";
import { test } from "node:test";
import { PageBook } from "./page-book.ts";
import { PAGE_SIZE } from "./paged-cache.ts";

function tokens(pages: number, seed: number): number[] {
  return Array.from({ length: pages * PAGE_SIZE }, (_, i) => (i * 7 + seed) % 50);
}

/** Takes pages for a text and makes them known. */
function fill(book: PageBook, root: number, text: readonly number[], from = 0, before = root): number[] {
  let beginning = before;
  return Array.from({ length: text.length / PAGE_SIZE - from }, (_, i) => {
    const page = book.take()!;
    beginning = book.know(page, beginning, text, (from + i + 1) * PAGE_SIZE);
    return page;
  });
}

test("a text finds the pages of its beginning, under its own root only", () => {
  const book = new PageBook(10);
  const root = book.newRoot();
  const pages = fill(book, root, tokens(3, 1));
  const longer = [...tokens(2, 1), ...tokens(2, 9)];
  const { pages: shared, beginning } = book.hold(root, longer);
  assert.deepEqual(shared, pages.slice(0, 2));
  const own = fill(book, root, longer, 2, beginning);
  assert.deepEqual(book.hold(root, [...longer, 1, 2]).pages, [...shared, ...own]);
  assert.deepEqual(book.hold(root, tokens(1, 2)).pages, []);
  assert.deepEqual(book.hold(root, tokens(1, 1).slice(1)).pages, []);
  assert.deepEqual(book.hold(book.newRoot(), longer).pages, []);
});

test("pages are free when their last holder lets go, known ones only when they are needed", () => {
  const book = new PageBook(4);
  const root = book.newRoot();
  const first = fill(book, root, tokens(3, 1));
  book.hold(root, tokens(3, 1));
  book.letGo(first);
  assert.equal(book.used, 3);
  book.letGo(first);
  assert.deepEqual([book.used, book.kept, book.available], [0, 3, 4]);

  // The last page of the text goes first: what is left is still its beginning.
  assert.notEqual(book.take(), undefined);
  assert.equal(book.take(), first[2]);
  assert.deepEqual(book.hold(root, tokens(3, 1)).pages, first.slice(0, 2));
  assert.equal(book.take(), undefined);
});

test("two texts that fill the same page at once go on from one beginning", () => {
  const book = new PageBook(4);
  const root = book.newRoot();
  const [a, b] = [book.take()!, book.take()!];
  const text = tokens(1, 3);
  const beginning = book.know(a, root, text, PAGE_SIZE);
  assert.equal(book.know(b, root, text, PAGE_SIZE), beginning);
  book.letGo([b]);
  assert.deepEqual([book.kept, book.used], [0, 1]);
  assert.deepEqual(book.hold(root, text).pages, [a]);
});
