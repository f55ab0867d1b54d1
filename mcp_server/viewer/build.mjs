// Builds the page into dist/, which is checked in. `node build.mjs OUT` builds into another folder; `--tests` builds the
// tests into build/tests/. The same sources give the same bytes: nothing in them depends on time or place.

import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const common = {
  absWorkingDir: here,
  bundle: true,
  format: "esm",
  target: ["chrome123", "firefox121", "safari17.5"],
  charset: "utf8",
  legalComments: "none", // the licences are in licenses.txt, whole
  // Its variant for browsers decodes `&amp;` by writing to innerHTML, which the page's policy forbids: take the table.
  alias: { "decode-named-character-reference": "./node_modules/decode-named-character-reference/index.js" },
  jsx: "automatic",
  jsxImportSource: "preact",
};

if (process.argv[2] === "--tests") await buildTests();
else await buildPage(process.argv[2] ?? join(here, "dist"));

async function buildPage(target) {
  const page = await bundle("source/main.tsx");
  const app = await bundle("source/app-main.tsx");
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  const files = {
    "index.html": await readFile(join(here, "source/index.html")),
    "page.js": page.script,
    "page.css": page.style,
    "icon.svg": await readFile(join(here, "source/icon.svg")),
    "app.html": await oneFile(app),
    "licenses.txt": await licenses([...page.packages]),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(target, name), content);
}

async function bundle(entry) {
  const result = await build({ ...common, entryPoints: [entry], outdir: "out", minify: true, write: false, metafile: true });
  const named = (end) => result.outputFiles.find((file) => file.path.endsWith(end)).text;
  const packages = new Set(Object.keys(result.metafile.inputs).map(packageOf).filter(Boolean));
  return { script: named(".js"), style: named(".css"), packages };
}

/** The page as one document, for hosts that show it as an MCP App. */
async function oneFile({ script, style }) {
  const html = await readFile(join(here, "source/app.html"), "utf8");
  const inScript = script.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
  const inStyle = style.replaceAll("</style", "<\\/style");
  return html.replace("/* STYLE */", () => inStyle).replace("/* SCRIPT */", () => inScript);
}

function packageOf(input) {
  return /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
}

async function licenses(packages) {
  const parts = await Promise.all(packages.sort().map(licenseOf));
  return `The page contains these packages.\n\n${parts.join("\n")}`;
}

async function licenseOf(name) {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? "" : (await readFile(join(folder, file), "utf8")).replaceAll("\r\n", "\n");
  return `${"=".repeat(100)}\n${name} ${version}: ${license}\n\n${text.trim()}\n`;
}

async function buildTests() {
  const tests = (await readdir(join(here, "tests"))).filter((name) => /\.test\.tsx?$/.test(name));
  await build({
    ...common,
    entryPoints: tests.map((name) => `tests/${name}`),
    outdir: relative(here, join(here, "build/tests")),
    platform: "node",
    target: "node20",
    sourcemap: "inline",
    packages: "external",
  });
}
