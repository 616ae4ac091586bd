import { InputError } from "./errors.ts";

/** A field: quoted, with quotes doubled in it, or bare; then what ends it. */
const FIELD = /("[^"]*(?:""[^"]*)*"|[^",\r\n]*)(,|\r?\n|$)/y;

/**
 * The records of RFC 4180 with LF or CRLF line ends, one by one, of whatever lengths they are.
 * @throws InputError naming `where` and the record that is not CSV
 */
export function* csvRecords(text: string, where: string): Generator<string[]> {
  let record: string[] = [];
  let records = 0;
  let at = 0;
  while (at < text.length || record.length > 0) {
    FIELD.lastIndex = at;
    const match = FIELD.exec(text);
    if (match === null) throw new InputError(where, `record ${records + 1} is not CSV`);
    at = FIELD.lastIndex;
    const [, field = "", end] = match;
    record.push(field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field);
    if (end === ",") continue;
    yield record;
    records++;
    record = [];
  }
}
