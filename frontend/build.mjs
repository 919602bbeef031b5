// Bundles src/ into ../penlight/viz/static: the base (penlight.js) and one file a view.
//   npm ci && npm run build     writes them
//   npm run check               fails where a committed file is not what the sources give
// Each file begins with a line that names its sources and their hash, so that a test without Node can tell
// whether it is current.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
const target = join(here, "..", "penlight", "viz", "static");

// A style sheet becomes a string without its comments and spaces.
const styleAsText = {
  name: "style-as-text",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await esbuild.transform(readFileSync(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

async function bundle(options) {
  const { outputFiles, metafile } = await esbuild.build({
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: "iife",
    charset: "utf8",
    legalComments: "inline", // licences of what is bundled stay with it
    target: "es2022",
    absWorkingDir: source,
    plugins: [styleAsText],
    ...options,
  });
  const inputs = Object.keys(metafile.inputs).filter((name) => name !== "<stdin>").sort();
  const own = inputs.filter((name) => !name.includes("node_modules"));
  const hash = createHash("sha256");
  for (const name of own) hash.update(name).update("\0").update(readFileSync(join(source, name))).update("\0");
  const head = `/* built by "npm run build" from frontend/src: ${own.join(" ")} sha256 ${hash.digest("hex")} */\n`;
  return head + outputFiles[0].text;
}

const built = new Map();
built.set("penlight.js", await bundle({ entryPoints: ["index.js"], globalName: "penlight" }));
for (const file of readdirSync(join(source, "views")).sort()) {
  if (!file.endsWith(".js")) continue;
  const contents = `import view from "./views/${file}"; penlight.add(view);`;
  built.set(file, await bundle({ stdin: { contents, resolveDir: source, loader: "js" } }));
}

mkdirSync(target, { recursive: true });
let stale = 0;
for (const [name, text] of built) {
  const path = join(target, name);
  const shown = relative(join(here, ".."), path);
  if (process.argv.includes("--check")) {
    if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
      console.error(`${shown} is not current: run npm run build in frontend/`);
      stale++;
    }
  } else {
    writeFileSync(path, text);
    console.log(`${shown} ${text.length} characters`);
  }
}
process.exit(stale ? 1 : 0);
