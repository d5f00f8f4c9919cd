// Checks objects of the operators by their own schemas: a JSON array on stdin, their kinds on stdout, or what is
// wrong and exit code 1. Values by the validators, unknown fields by the types, through the TypeScript compiler.
// Runs in the folder where `make manifests` has put the packages.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const PACKAGES = {
  "monitoring.coreos.com": "prometheus-operator",
  "keda.sh": "keda",
  "postgresql.cnpg.io": "cloudnative-pg",
};
const BARMAN = "@kubernetes-models/cloudnative-pg/github.com/cloudnative-pg/barman-cloud/pkg/api/BarmanObjectStoreConfiguration";

const objects = JSON.parse(readFileSync(0, "utf8"));
const wrong = [];
const typed = [];

for (const object of objects) {
  if (object.kind === "ObjectStore") checkObjectStore(object);
  else await check(object);
}
writeFileSync("objects.ts", typed.join("\n"));
const compiler = spawnSync(
  process.execPath,
  ["node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "objects.ts"],
  { encoding: "utf8" },
);
if (compiler.status !== 0) wrong.push(compiler.stdout + compiler.stderr);
console.log(wrong.length ? wrong.join("\n") : objects.map((object) => object.kind).join("\n"));
process.exit(wrong.length ? 1 : 0);

async function check(object) {
  const from = `@kubernetes-models/${PACKAGES[object.apiVersion.split("/")[0]]}/${object.apiVersion}`;
  const { [object.kind]: Model } = await import(from);
  try {
    new Model(object).validate();
  } catch (error) {
    wrong.push(`${object.kind} ${object.metadata.name}: ${error.message}`);
  }
  declare(object.kind, from, object);
}

// The plugin has no package; what it is told is CloudNativePG's own BarmanObjectStoreConfiguration.
function checkObjectStore({ metadata, spec: { configuration, retentionPolicy, ...others } }) {
  for (const field of Object.keys(others)) wrong.push(`ObjectStore ${metadata.name}: ${field}?`);
  if (!/^[1-9]\d*[dwm]$/.test(retentionPolicy)) wrong.push(`ObjectStore ${metadata.name}: keep ${retentionPolicy}?`);
  declare("BarmanObjectStoreConfiguration", BARMAN, configuration);
}

function declare(kind, from, value) {
  const name = `value${typed.length}`;
  typed.push(
    `import type { I${kind} as I${name} } from "${from}";`,
    `export const ${name}: I${name} = ${JSON.stringify(value, null, 1)};`,
  );
}
