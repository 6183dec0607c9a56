// Puts the page together.
import {Drawing} from './drawing.mjs';
import {Editor} from './editor.mjs';
import {readModels} from './model.mjs';
import {Results} from './results.mjs';
import {say, setLanguage} from './text.mjs';

const $ = id => document.getElementById(id);
const MODELS = ['autoencoder', 'denoising_autoencoder'];
const PICTURES = ['filters_no_corruption', 'filters_corruption_30', 'autoencoded_image', 'dAed_image'];

async function get(name, kind) {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return response[kind]();
}

function chooseLanguage() {
  const buttons = [...document.querySelectorAll('#language button')];
  const choose = lang => {
    setLanguage(lang);
    for (const button of buttons) button.ariaPressed = button.lang === lang;
  };
  for (const button of buttons) {
    button.onclick = () => {
      choose(button.lang);
      history.replaceState(null, '', `?lang=${button.lang}${location.hash}`);
    };
  }
  const wanted = [new URLSearchParams(location.search).get('lang'), ...navigator.languages];
  choose(wanted.map(lang => lang?.slice(0, 2)).find(lang => ['en', 'ja'].includes(lang)) ?? 'en');
}

async function main() {
  const [site, record, classes, weights] = await Promise.all([
    get('site.json', 'json'), get('original/record.json', 'json'), get('classes.py', 'text'),
    get('weights.bin', 'arrayBuffer')]);
  const page = record.settings;
  const megabytes = site.files.reduce((sum, {bytes}) => sum + bytes, 0) / 1e6;
  for (const element of document.querySelectorAll('.mb')) element.textContent = megabytes.toFixed(0);
  for (const element of document.querySelectorAll('.pyodide')) element.textContent = site.version;

  const replayButtons = [...document.querySelectorAll('#replay button[data-epochs]')];
  const changeButtons = [$('train')];
  const replay = new Results($('replayed'), {
    site, record, buttons: replayButtons, pictures: [...PICTURES, 'test_image'], yours: false});
  const change = new Results($('changed'), {site, record, buttons: changeButtons, pictures: PICTURES, yours: true});

  const drawing = new Drawing({
    pad: $('pad'), corrupted: $('corrupted'), autoencoder: $('z-autoencoder'),
    denoising_autoencoder: $('z-denoising_autoencoder'),
    factors: {autoencoder: $('factor-autoencoder'), denoising_autoencoder: $('factor-denoising_autoencoder')},
    corruption: $('corruption'), level: $('level'), scaled: $('scaled'), noise: $('noise'), digit: $('digit'),
    clear: $('clear'),
  }, readModels(weights, MODELS, page.n_visible, page.n_hidden), page.corruption_level);
  drawing.nextDigit();

  // Which weights draw: the page's, or those of the last training with the page's classes.
  const trainings = [[drawing.models, page.corruption_level]];
  say($('weights').options[0], 'original', page.training_epochs);
  $('weights').onchange = event => drawing.setModels(...trainings[event.target.selectedIndex]);
  const offer = (weights, {n_hidden, corruption, epochs}) => {
    const models = MODELS.map(model => readModels(weights[model].buffer, [model], page.n_visible, n_hidden));
    trainings[1] = [Object.assign({}, ...models), corruption];
    const [, option] = $('weights').options;
    option.hidden = option.disabled = false;
    say(option, 'trained', epochs);
    if ($('weights').selectedIndex === 1) drawing.setModels(...trainings[1]);
  };

  const pageSettings = epochs => ({epochs, n_hidden: page.n_hidden, learning_rate: page.learning_rate,
    corruption: page.corruption_level});
  for (const button of replayButtons) {
    button.onclick = async () => {
      const settings = pageSettings(Number(button.dataset.epochs));
      const trained = await replay.run(null, settings);
      if (trained) offer(trained, settings);
    };
  }

  const editor = new Editor($('classes'), $('lines'), classes);
  const form = $('change-form');
  form.onsubmit = async event => {
    event.preventDefault();
    const names = Object.keys(pageSettings(0));
    const settings = Object.fromEntries(names.map(name => [name, form.elements[name].valueAsNumber]));
    const edited = editor.changed;
    const trained = await change.run(edited ? editor.text : null, settings);
    if (trained && !edited) offer(trained, settings);
    if (change.error?.line) editor.mark(change.error.line);
  };
  for (const button of [...replayButtons, ...changeButtons]) button.disabled = false;
}

chooseLanguage();
$('old').hidden = true;
main().catch(error => {
  $('problem').hidden = false;
  say($('problem'), 'site', error.message);
});
