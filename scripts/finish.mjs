// The last step of the build: the command must be executable where npm links to it.
import { chmodSync } from "node:fs";

chmodSync("dist/cli/bin.js", 0o755);
