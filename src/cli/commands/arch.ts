import { FIELDS, type Field, type FieldName } from "../../arch/fields.ts";
import { type ArchSpec, hashArch, loadArch, overrideArch } from "../../arch/spec.ts";
import { readText, stemOf } from "../../base/yaml.ts";
import { defineCommand, STATUS, UsageError } from "../command.ts";
import { grouped, layOut, toJson } from "../layout.ts";
import { json, set, settingsOf } from "../options.ts";
import { placeOf, shelved } from "../places.ts";

const parameters = Object.entries(FIELDS) as [FieldName, Field][];

export const arch = defineCommand({
  command: "arch [files..]",
  describe: "List the machines, print one settled (or several side by side), or print every parameter",
  lists: ["files", "set"],
  builder: (y) =>
    y
      .positional("files", {
        type: "string",
        array: true,
        describe: "architecture files, or their names in arch/",
      })
      .option("fields", { type: "boolean", default: false, describe: "print the parameters there are" })
      .option("set", set)
      .option("json", json)
      .example("$0 arch", "the machines there are")
      .example("$0 arch edge16x16 edge8x8", "two of them side by side")
      .example("$0 arch edge16x16 --set mac.rows=32", "one of them, changed")
      .example("$0 arch --fields", "what can be set, in which range"),
  run({ files = [], set, fields, json }, io) {
    const changes = settingsOf(set, "--set");
    if (fields && files.length > 0) throw new UsageError("--fields takes no files");
    if (files.length === 0 && set !== undefined) throw new UsageError("--set needs a file to change");
    if (fields) io.out(json ? toJson(FIELDS) : fieldTable());
    else if (files.length === 0) io.out(json ? toJson(machines()) : machineTable());
    else {
      const changed = files.map((file) => overrideArch(loadArch(placeOf(file, "arch")), changes, "--set"));
      io.out(json ? toJson(changed.map(describe)) : settingsTable(changed));
    }
    return STATUS.done;
  },
});

const describe = (machine: ArchSpec) => ({ ...machine, hash: hashArch(machine) });

const machines = () =>
  shelved("arch").map((path) => ({ name: stemOf(path), path, doc: leadingSentence(readText(path)) }));

const machineTable = (): string => layOut(machines().map(({ name, doc }) => [name, doc]));

/** The first sentence of the comment that a file begins with. */
function leadingSentence(text: string): string {
  const comment = /^(?:#.*\n)+/.exec(text)?.[0] ?? "";
  const prose = comment.replaceAll(/^#\s*/gm, "").trim().replaceAll("\n", " ");
  return /^.*?\.(?= [A-Z]|$)/.exec(prose)?.[0] ?? prose;
}

function fieldTable(): string {
  const rows = parameters.map(([name, field]) =>
    field.kind === "choice"
      ? [name, "", String(field.default), `${field.choices.join(", ")}: ${field.doc}`]
      : [
          name,
          field.unit,
          grouped(field.default),
          `${grouped(field.min)} … ${grouped(field.max)}: ${field.doc}`,
        ],
  );
  return layOut([["parameter", "unit", "default", "range and meaning"], ...rows]);
}

function settingsTable(machines: readonly ArchSpec[]): string {
  const shown = (value: number | string) => (typeof value === "number" ? grouped(value) : value);
  const rows = parameters.map(([name, field]) => [
    name,
    ...machines.map(({ settings }) => shown(settings[name])),
    field.kind === "choice" ? "" : field.unit,
    field.doc,
  ]);
  const right = machines.map((_, i) => i + 1);
  return layOut([["parameter", ...machines.map(({ name }) => name), "unit", "meaning"], ...rows], { right });
}
