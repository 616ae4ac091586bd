import { Cursor, type Part } from "./cursor.ts";

/** The components `lstm-unicharset` and `lstm-recoder`: which character each code of the network stands for. */

/** How the list of characters spells the space, and names of entries that are none. */
const SPACE = "NULL";
const SPECIAL = ["Joined", "|Broken|0|1"];

/** Bytes of an entry of the recoder without codes. */
const LEAST_ENTRY = 5;

/**
 * The code point of each code's character, 0 of a code that stands for none.
 *
 * @param codes     codes that the network has
 * @param nullCode  that of no character
 * @throws InputError naming the byte or the line, and the rule that is broken there
 */
export function readAlphabet(unicharset: Part, recoder: Part, codes: number, nullCode: number): number[] {
  const characters = readCharacters(unicharset);
  const cursor = new Cursor(recoder);
  const count = cursor.count("characters", LEAST_ENTRY);
  if (count !== characters.length)
    cursor.refuse(`codes for ${count} of ${characters.length} characters`, recoder.offset);
  const alphabet = new Array<number>(codes).fill(0);
  for (const character of characters) {
    const { offset } = cursor;
    cursor.int8("whether a character is itself");
    const length = cursor.count("codes of a character", 4);
    if (length !== 1) cursor.refuse(`a character of ${length} codes, not of one`, offset);
    const code = cursor.int32("a code");
    if (code < 0 || code >= codes) cursor.refuse(`the code ${code} is not in 0 … ${codes - 1}`, offset);
    if (code !== nullCode) alphabet[code] = character;
  }
  cursor.finish();
  return alphabet;
}

/** Code points in the order of the list, 0 of what is no character. */
function readCharacters(part: Part): number[] {
  const cursor = new Cursor(part);
  const [head = "", ...lines] = cursor.rest("the list of characters").split("\n");
  const count = Number(head);
  const fault = (line: number, problem: string): never =>
    cursor.refuse(`line ${line} of the list of characters: ${problem}`, part.offset);
  if (!/^\d+$/.test(head) || lines.length < count)
    fault(1, `${shown(head)} characters in ${lines.length} lines`);
  return lines.slice(0, count).map((line, i) => {
    const [text = ""] = line.split(" ");
    if (text === SPACE) return 0x20;
    if (SPECIAL.includes(text)) return 0;
    const points = Array.from(text, (character) => character.codePointAt(0)!);
    return points.length === 1 ? points[0]! : fault(i + 2, `${shown(text)} is not one character`);
  });
}

/** Text of a file in an error: the start of it, in one line. */
const shown = (text: string): string => JSON.stringify(text.slice(0, 40));
