// A web worker with Python. Receives calls {name, value} of the functions below, one at a time, and answers with
// {result} or {error}. Meanwhile it posts {loaded: bytes}, {line}, {picture, bytes} and {epochs}.
let python, trainer;

const calls = {
  // Downloads everything and starts Python. site: the content of site.json.
  async load({packages, files, wheels, scripts}) {
    const entries = new Map(files.map(file => [file.name, file]));
    const original = self.fetch;
    // Pyodide downloads with fetch(): here each file is looked up in site.json, and refused if its checksum differs.
    self.fetch = async url => {
      const {url: address, bytes, integrity} = entries.get(`${url}`.split('/').at(-1));
      let response;
      try {
        response = await original(address, {integrity});
        if (!response.ok) throw new Error(`${response.status}`);
      } catch (cause) {
        throw Object.assign(new Error(`${address}: ${cause.message}`), {kind: 'network'});
      }
      postMessage({loaded: bytes});
      return response;
    };
    const load = async name => import(URL.createObjectURL(
      new Blob([await (await fetch(name)).arrayBuffer()], {type: 'text/javascript'})));

    const texts = Promise.all(scripts.map(async name => [name, await (await fetch(name)).text()]));
    texts.catch(() => {});  // reported below, where it is awaited
    const [{loadPyodide}] = await Promise.all([load('pyodide.mjs'), load('pyodide.asm.js')]);
    const base = new URL('.', location).href;
    python = await loadPyodide({indexURL: base, packages});
    await python.loadPackage(wheels.map(name => base + name), {messageCallback() {}});
    for (const [name, text] of await texts) python.FS.writeFile(name, text);
    python.setStderr({batched() {}});  // while it is imported, PyTensor asks for a compiler
    python.setStdout({batched(line) {
      postMessage({line});
      const [, path, picture] = line.match(/^saved (.*?([^/]+\.png))$/) ?? [];
      if (path) postMessage({picture, bytes: python.FS.readFile(path)});
    }});
    self.fetch = original;
  },

  start() {
    trainer = python.pyimport('trainer');
    python.setStderr({batched(line) { postMessage({line}); }});
  },

  train({only, classes, settings}) {
    const result = trainer.train(only, classes, python.toPy(settings), epochs => postMessage({epochs}));
    return {printed: result, weights: trainer.weights(only).toJs()};
  },

  compare({printed, epochs, pictures}) { return trainer.compare(printed, epochs, python.toPy(pictures)); },
};

// What the page shows of an error: {kind, line, message, traceback}.
function describe(error) {
  const message = `${error?.message ?? error}`;
  if (error?.kind === 'network') return {kind: 'network', message};
  if (error instanceof RangeError || /memory/i.test(message)) return {kind: 'memory', message};
  if (!trainer || error?.constructor.name !== 'PythonError') return {kind: 'other', message};
  const [line, text, traceback] = trainer.describe(python.pyimport('sys').last_exc).toJs();
  return {kind: 'python', line, message: text, traceback};
}

onmessage = async ({data: {name, value}}) => {
  try {
    postMessage({result: await calls[name](value)});
  } catch (error) {
    postMessage({error: describe(error)});
  }
};
