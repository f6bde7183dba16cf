import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { java } from "./java.ts";
import { languageOf } from "./languages.ts";
import { solidity } from "./solidity.ts";
import { splitFunctions } from "./split-functions.ts";

const places = async (text: string, language = java): Promise<string[]> =>
  (await splitFunctions(text, language)).units.map(({ name, startLine, endLine }) => `${name} ${startLine}-${endLine}`);

describe("functions of Java", () => {
  const shop = [
    "package shop;",
    "public class Shop {",
    "    private final Runnable later = () -> {",
    "        pay();",
    "    };",
    "    static { System.out.println(1); }",
    "    public Shop(int a) { this.a = a; }",
    "",
    "    /** Not part of it. */",
    "    @Override",
    "    public void run() {",
    "        Runnable inner = new Runnable() {",
    "            public void run() { pay(); }",
    "        };",
    "        list.forEach(x -> { pay(); });",
    "    }",
    "    static class Deep<T> { T get() { return null; } }",
    "    interface I { void none(); default int some() { return 2; } }",
    "    record R(int a) { R { if (a < 0) throw new X(); } }",
    "    enum E { A { int f() { return 1; } }; abstract int f(); }",
    "}",
  ].join("\n");

  test("methods, constructors and initializers; what is inside a method belongs to it", async () => {
    assert.deepEqual(await places(shop), [
      "Shop.later 3-5",
      "Shop.static 6-6",
      "Shop.constructor 7-7",
      "Shop.run 10-16",
      "Shop.Deep.get 17-17",
      "Shop.I.some 18-18",
      "Shop.R.constructor 19-19",
      "Shop.E.f 20-20",
    ]);
  });

  test("the text is the function's own, as if it stood at the beginning of its line", async () => {
    const { units } = await splitFunctions(shop, java);
    const run = units.find(({ name }) => name === "Shop.run")!;
    assert.equal(run.text.split("\n").length, 7);
    assert.ok(run.text.startsWith("@Override\npublic void run() {\n    Runnable inner"));
    assert.ok(run.text.endsWith("\n}"));
  });

  test("carriage returns and tabs", async () => {
    const { units } = await splitFunctions("class A {\r\n\tint f() {\r\n\t\treturn 1;\r\n\t}\r\n}\r\n", java);
    assert.deepEqual(units, [{ name: "A.f", startLine: 2, endLine: 4, text: "int f() {\r\n\treturn 1;\r\n}" }]);
  });

  test("what parses is found where something else does not, which is said", async () => {
    const text = "class A {\n  int good() { return 1; }\n  int bad( { }\n  int after() { return 2; }\n}\n";
    const { units, errorLine } = await splitFunctions(text, java);
    assert.equal(errorLine, 3);
    const names = units.map(({ name }) => name);
    assert.ok(names.includes("A.good") && names.includes("A.after"), names.join());
    assert.equal((await splitFunctions(shop, java)).errorLine, undefined);
  });

  test("what is no program at all, and what is nested deeply, ends", async () => {
    const noise = Array.from({ length: 5000 }, (_, i) => String.fromCharCode(33 + ((i * 7919) % 90))).join("");
    assert.notEqual((await splitFunctions(noise, java)).errorLine, undefined);
    const deep = `class A { int f() { return ${"(".repeat(20_000)}1${")".repeat(20_000)}; } }`;
    assert.deepEqual(await places(deep), ["A.f 1-1"]);
    assert.deepEqual((await splitFunctions("", java)).units, []);
  });
});

describe("functions of Solidity", () => {
  test("functions, modifiers, constructors, fallbacks, of contracts, libraries and files", async () => {
    const text = [
      "pragma solidity ^0.8.0;",
      "contract Bank {",
      "    constructor() { owner = msg.sender; }",
      "    modifier only() { require(msg.sender == owner); _; }",
      "    function pay(uint a)",
      "        external only",
      "    {",
      '        (bool ok, ) = msg.sender.call{value: a}("");',
      "    }",
      "    receive() external payable { }",
      "    fallback() external { revert(); }",
      "    function declared() external virtual;",
      "}",
      "library Sum { function add(uint a) internal pure returns (uint) { return a; } }",
      "interface I { function none() external; }",
      "function free(uint a) pure returns (uint) { return a; }",
    ].join("\n");
    assert.deepEqual(await places(text, solidity), [
      "Bank.constructor 3-3",
      "Bank.only 4-4",
      "Bank.pay 5-9",
      "Bank.receive 10-10",
      "Bank.fallback 11-11",
      "Sum.add 14-14",
      "free 16-16",
    ]);
  });
});

test("languages go by the ending", () => {
  assert.equal(languageOf("src/A.java"), java);
  assert.equal(languageOf("Token.sol"), solidity);
  assert.equal(languageOf("java"), undefined);
});
