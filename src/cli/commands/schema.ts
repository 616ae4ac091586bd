import { SCHEMA_KINDS, type SchemaKind, schemaOf } from "../../sweep/schema.ts";
import { defineCommand, STATUS } from "../command.ts";
import { toJson } from "../layout.ts";
import { json } from "../options.ts";

export const schema = defineCommand({
  command: "schema [kind]",
  describe: "Print the JSON Schema of a kind of file, by which editors complete and check it",
  lists: [],
  builder: (y) =>
    y
      .positional("kind", {
        ...{ choices: SCHEMA_KINDS, default: SCHEMA_KINDS[0] as SchemaKind },
        describe: "what the file is",
      })
      .option("json", { ...json, describe: "the same: a schema is JSON" })
      .example("$0 schema > experiment.schema.json", "for experiments: docs/schema/ has these files"),
  run({ kind }, io) {
    io.out(toJson(schemaOf(kind)));
    return STATUS.done;
  },
});
