// The group's arrays named on the command line, as zarrita reads them: {name: {dtype, shape, bytes in base64}}.
import * as zarr from "zarrita";
import { FileSystemStore } from "@zarrita/storage";

// Where node has no Float16Array, the bits are enough to compare.
globalThis.Float16Array ??= class extends Uint16Array {};

const [path, ...names] = process.argv.slice(2);
const group = await zarr.open.v3(new FileSystemStore(path), { kind: "group" });
const found = {};
for (const name of names) {
  const array = await zarr.open.v3(group.resolve(name), { kind: "array" });
  const { data, shape } = await zarr.get(array);
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
  found[name] = { dtype: array.dtype, shape, bytes };
}
console.log(JSON.stringify(found));
