// Files of a chosen or dropped folder, with their paths; hidden files are left out.

export function chosenFiles(input) {
  return [...input.files]
    .map((file) => ({ path: file.webkitRelativePath || file.name, file }))
    .filter(({ path }) => visible(path));
}

/** Return the files of everything dropped, or null if no folder was among it. */
export async function droppedFiles(transfer) {
  const roots = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!roots.some((entry) => entry.isDirectory)) return null;
  const found = [];
  for (const entry of roots) await walk(entry, entry.name, found);
  return found.filter(({ path }) => visible(path));
}

async function walk(entry, path, found) {
  if (entry.isFile) {
    found.push({ path, file: await new Promise((done, fail) => entry.file(done, fail)) });
    return;
  }
  const reader = entry.createReader();
  // A reader gives at most a hundred entries at a time.
  for (;;) {
    const children = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!children.length) return;
    for (const child of children) await walk(child, `${path}/${child.name}`, found);
  }
}

function visible(path) {
  return !path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX");
}
