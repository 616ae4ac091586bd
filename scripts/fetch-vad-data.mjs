// Builds the split `test` of silero-vad: 32 minutes of speech in noise, made of audio that Debian's archive has and this project may
// not ship (CC BY-SA 3.0, GPL-2+). Needs apt-get, dpkg-deb and sox; installs nothing. 240 MB are downloaded, 100 MB stay.
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import seedrandom from "seedrandom";

const TARGET = join(dirname(fileURLToPath(import.meta.url)), "../experiments/models/silero-vad/test");
const PACKAGES = [
  "asterisk-core-sounds-en-wav=1.6.1-1",
  "asterisk-core-sounds-fr-wav=1.6.1-1",
  "asterisk-core-sounds-es-wav=1.6.1-1",
  "asterisk-moh-opsound-wav=2.03-1.1",
  "pocketsphinx-testdata=0.8+5prealpha+1-15",
  "tuxpaint-stamps-default=2022.06.04-1",
];

const RATE = 16_000;
const FRAME = 512;
const TRACK = 1875 * FRAME;
const COPIES = 2;
const RATIOS = [20, 10, 5, 0];
/** Seconds of an utterance, and of the pause before it. */
const UTTERANCE = { least: 0.8, most: 8 };
const PAUSE = { least: 0.4, most: 3 };

/** Prompts, without those that are no speech. */
const SPOKEN = /^(?!.*(tone|beep|silence|monkeys|weasels|screaming)).*\.wav$/;
/** Where utterances come from. */
const SPEAKERS = [
  { name: "en", below: "usr/share/asterisk/sounds/en_US_f_Allison", pattern: SPOKEN },
  { name: "fr", below: "usr/share/asterisk/sounds/fr_CA_f_June", pattern: SPOKEN },
  { name: "es", below: "usr/share/asterisk/sounds/es_MX_f_Allison", pattern: SPOKEN },
  ...["es", "fr", "ru", "ro", "bg"].map((language) => ({
    ...{ name: `stamp-${language}`, below: "usr/share/tuxpaint/stamps" },
    pattern: new RegExp(`_desc_${language}\\.ogg$`),
  })),
  {
    // The two other clips calibrate.
    ...{ name: "librivox", below: "usr/share/pocketsphinx/test/data/librivox" },
    pattern: /-0(890|920|930)\.wav$/,
  },
];
const MUSIC = { below: "usr/share/asterisk/moh", pattern: /\.wav$/ };
/** Sounds of stamps; the folders left out have spoken ones among them. */
const EFFECTS = {
  below: "usr/share/tuxpaint/stamps",
  pattern: /^(animals|household|naturalforces|vehicles|hobbies\/music)\/(?!.*_desc).*\.ogg$/,
};

const random = seedrandom("voices in noise");
const between = ({ least, most }) => least + (most - least) * random();

function shuffled(items) {
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all;
}

function run(command, words, cwd) {
  try {
    return execFileSync(command, words, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const reason =
      error.code === "ENOENT" ? "is not installed" : (error.stderr ?? "").trim().split("\n").at(-1);
    console.error(`fetch-vad-data: ${command}: ${reason}`);
    rmSync(work, { recursive: true, force: true });
    process.exit(1);
  }
}

const filesOf = ({ below, pattern }) =>
  readdirSync(join(work, below), { recursive: true, encoding: "utf8" })
    .filter((path) => pattern.test(path))
    .sort()
    .map((path) => join(work, below, path));

/** Converts one file; its name in the split, and how many samples it has. */
function clipOf(path, prefix) {
  const clip = `${prefix}-${basename(path).replace(/\.\w+$/, "")}.wav`;
  const to = join(built, clip);
  if (!existsSync(to))
    run("sox", ["-V1", "-D", "-G", path, "-r", `${RATE}`, "-c", "1", "-b", "16", "-e", "signed", to]);
  return { clip, samples: (statSync(to).size - 44) / 2 };
}

/** Utterances in an order in which speakers take turns. */
function* utterances() {
  const piles = SPEAKERS.map((speaker) => ({ name: speaker.name, files: shuffled(filesOf(speaker)) }));
  for (;;) {
    for (const { name, files } of piles) {
      const file = files.pop();
      if (file === undefined) continue;
      const utterance = clipOf(file, name);
      const seconds = utterance.samples / RATE;
      if (seconds >= UTTERANCE.least && seconds <= UTTERANCE.most) yield utterance;
    }
  }
}

/** Clips one after the other, with pauses, for as long as a track is. */
function speechOf(source) {
  const speech = [];
  for (let at = 0; ; ) {
    at += Math.floor(RATE * between(PAUSE));
    const { clip, samples } = source.next().value;
    if (at + samples > TRACK) return speech;
    speech.push({ clip, at });
    at += samples;
  }
}

/** Effects joined to one clip as long as a track. */
function effects() {
  const clip = "effects.wav";
  const parts = shuffled(filesOf(EFFECTS)).map((path) => join(built, clipOf(path, "effect").clip));
  run("sox", ["-V1", ...parts, join(built, clip), "trim", "0", `${2 * TRACK}s`]);
  for (const part of parts) rmSync(part, { force: true });
  return clip;
}

const work = mkdtempSync(join(tmpdir(), "vad-data-"));
const built = join(work, "test");
mkdirSync(built);
console.error("fetch-vad-data: downloading");
run("apt-get", ["download", ...PACKAGES], work);
for (const file of readdirSync(work).filter((name) => name.endsWith(".deb")))
  run("dpkg-deb", ["-x", file, work], work);
console.error("fetch-vad-data: converting");
const music = filesOf(MUSIC).map((path) => clipOf(path, "music").clip);
const noises = [() => "white", () => "pink", (i) => music[i % music.length], () => effect];
const effect = effects();
const source = utterances();
const cells = Array.from({ length: COPIES }, () =>
  noises.flatMap((noise) => RATIOS.map((snr) => ({ noise, snr }))),
).flat();
const tracks = cells.map(({ noise, snr }, i) => {
  const name = noise(i);
  return {
    name: `${i + 1}-${name.replace(".wav", "")}-${snr}`,
    frames: TRACK / FRAME,
    speech: speechOf(source),
    noise: name,
    snr,
  };
});
const used = new Set(tracks.flatMap(({ speech, noise }) => [noise, ...speech.map(({ clip }) => clip)]));
for (const name of readdirSync(built)) if (!used.has(name)) rmSync(join(built, name));
writeFileSync(join(built, "tracks.json"), `${JSON.stringify(tracks, null, 1)}\n`);
for (const old of [TARGET, `${TARGET}.part`]) rmSync(old, { recursive: true, force: true });
cpSync(built, `${TARGET}.part`, { recursive: true });
renameSync(`${TARGET}.part`, TARGET);
rmSync(work, { recursive: true });
console.error(
  `fetch-vad-data: ${tracks.length} tracks of ${tracks.flatMap(({ speech }) => speech).length} utterances in ${TARGET}`,
);
