// Runs before `npm start` and `npm test`: installs the locked packages when they are not those of
// package-lock.json, and builds when a source is newer than the build. Needs nothing but Node and npm.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const INSTALLED = join(root, "node_modules", ".shiftline-installed");
const BUILT = join(root, "dist", ".shiftline-built");

const filesBelow = (folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();

/** One digest over names and contents: a stamp that a clone, a checkout or a touched date cannot fool. */
function digest(files) {
  const hash = createHash("sha256");
  for (const file of files) hash.update(file.slice(root.length)).update(readFileSync(file));
  return hash.digest("hex");
}

const isCurrent = (stamp, want) => existsSync(stamp) && readFileSync(stamp, "utf8") === want;

function run(words) {
  // npm's own entry point, so that no shell and no PATH decides which npm it is
  const npm = process.env.npm_execpath;
  const command = npm?.endsWith(".js") ? [process.execPath, npm, ...words] : ["npm", ...words];
  const { status } = spawnSync(command[0], command.slice(1), { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) {
    console.error(`shiftline: npm ${words.join(" ")} failed`);
    process.exit(1);
  }
}

function stampWith(stamp, value) {
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, value);
}

const lock = digest([join(root, "package-lock.json")]);
if (!isCurrent(INSTALLED, lock)) {
  console.error("shiftline: installing the locked packages");
  run(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  stampWith(INSTALLED, lock);
}

const sources = digest([...filesBelow("src"), join(root, "tsconfig.json"), join(root, "package.json")]);
if (!isCurrent(BUILT, sources) || !statSync(join(root, "dist", "cli", "bin.js"), { throwIfNoEntry: false })) {
  console.error("shiftline: building");
  run(["run", "--silent", "build"]);
  stampWith(BUILT, sources);
}
