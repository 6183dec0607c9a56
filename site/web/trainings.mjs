// The trainings of the two models, each in a web worker of its own, whose Python stays for the next training.

const MODELS = {plain: 'autoencoder', denoising: 'denoising_autoencoder'};
const workers = {};  // by the keys of MODELS
let listeners = {};  // of the training that runs, see train
let cancelled = () => {};

class Python {
  constructor() {
    this.worker = new Worker('worker.mjs', {type: 'module'});
    this.calling = null;
    this.worker.onmessage = ({data}) => {
      if ('result' in data) this.answer('resolve', data.result);
      else if ('error' in data) this.answer('reject', data.error);
      else this.listen(data);
    };
    // It could not be downloaded, or does not run in this browser.
    this.worker.onerror = event => this.answer('reject', {kind: 'worker', message: event.message ?? ''});
  }

  call(name, value) {
    return new Promise((resolve, reject) => {
      this.calling = {resolve, reject};
      this.worker.postMessage({name, value});
    });
  }

  answer(how, value) {
    const {calling} = this;
    this.calling = null;
    calling?.[how](value);
  }
}

// Opens a worker that does not exist yet, and has it start Python. Resolves when it can train.
async function open(only, site, loaded, after) {
  await after;
  if (!workers[only]) {
    const python = workers[only] = new Python();
    python.listen = message => {
      if ('loaded' in message) loaded(message.loaded);
    };
    await python.call('load', site);
    await python.call('start');
  }
  return workers[only];
}

// The download of the first worker fills the browser's cache for the second, which waits for that.
function openBoth(site) {
  const total = site.files.reduce((sum, {bytes}) => sum + bytes, 0);
  let bytes = 0, downloaded;
  const all = workers.plain ? null : new Promise(resolve => { downloaded = resolve; });
  const loaded = more => {
    bytes += more;
    listeners.loaded(bytes, total);
    if (bytes >= total) downloaded();
  };
  return {plain: open('plain', site, loaded), denoising: open('denoising', site, () => {}, all)};
}

// Ends the workers that are `busy`, or all.
function close(which) {
  for (const only in workers) {
    if (which === 'all' || workers[only].calling) {
      workers[only].worker.terminate();
      delete workers[only];
    }
  }
}

export function cancel() {
  cancelled({kind: 'cancelled'});
}

// Trains both models. Resolves to {weights, matches}; rejects with {kind, message} and, of an error in the classes,
// {line, traceback}; kind is 'cancelled' after cancel().
//
// site: the content of site.json
// classes: null, or Python code in the place of the classes of dA.py
// settings: arguments of main in dA.py
// compare: whether to compare with the original
// on: functions loaded(bytes, total), training(), epochs(model, n), line(text, model), picture(name, bytes),
//     comparing()
export async function train(site, {classes, settings, compare}, on) {
  listeners = on;
  const pictures = {plain: {}, denoising: {}};
  const opened = openBoth(site);
  const run = async only => {
    const python = await opened[only];
    python.listen = ({line, epochs, picture, bytes}) => {
      if (line !== undefined) on.line(line, MODELS[only]);
      if (epochs !== undefined) on.epochs(MODELS[only], epochs);
      if (picture !== undefined) on.picture(picture, pictures[only][picture] = bytes);
    };
    on.training();
    return python.call('train', {only, classes, settings});
  };
  const trainBoth = async () => {
    const [plain, denoising] = await Promise.all([run('plain'), run('denoising')]);
    const weights = {autoencoder: plain.weights, denoising_autoencoder: denoising.weights};
    if (!compare) return {weights};
    on.comparing();
    const matches = await workers.plain.call('compare', {
      printed: plain.printed + denoising.printed, epochs: settings.epochs, pictures: pictures.denoising});
    return {weights, matches};
  };
  try {
    return await Promise.race([trainBoth(), new Promise((_, reject) => { cancelled = reject; })]);
  } catch (error) {
    close(error.kind === 'python' ? 'busy' : 'all');
    throw error;
  }
}
