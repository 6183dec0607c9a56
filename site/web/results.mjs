// A training on the page: its buttons, its progress, and its costs and pictures beside those of 2016.
import {cancel, train} from './trainings.mjs';
import {say} from './text.mjs';

const MODELS = ['autoencoder', 'denoising_autoencoder'];
const runs = [];  // one training at a time

function make(tag, parent, attributes = {}, key, ...values) {
  const element = Object.assign(document.createElement(tag), attributes);
  parent.append(element);
  if (key) say(element, key, ...values);
  return element;
}

export class Results {
  // container: an element, which is filled
  // buttons: those that start a training
  // pictures: names of the page's pictures to be shown
  // yours: whether it is a changed training, whose costs are not marked as equal or different
  constructor(container, {site, record, buttons, pictures, yours}) {
    Object.assign(this, {site, record, buttons, yours});
    runs.push(this);
    this.bar = make('div', container, {className: 'bar', hidden: true});
    this.progress = make('progress', this.bar, {max: 1, value: 0, ariaHidden: true});
    this.stop = make('button', this.bar, {type: 'button', disabled: true, onclick: cancel}, 'stop');
    this.status = make('p', container, {className: 'status', role: 'status'}, 'idle');
    // Not in the status: a screen reader would read every epoch.
    const counters = make('p', container, {className: 'counters', ariaHidden: true});
    this.counters = Object.fromEntries(MODELS.map(model => [model, make('span', counters)]));

    this.columns = make('div', container, {className: 'columns', hidden: yours});
    const left = make('div', this.columns);
    this.makeTable(left, yours);
    const details = make('details', left);
    make('summary', details, {}, yours ? 'log' : 'logAndTable');
    // The two models print at the same time; the log has one after the other, as replay.py prints.
    this.log = make('pre', details, {tabIndex: 0});
    this.logs = [make('span', this.log), make('span', this.log), make('span', this.log)];
    this.makePictures(make('div', this.columns, {className: 'pictures'}), pictures);
  }

  makeTable(parent, yours) {
    const table = make('table', parent);
    make('caption', table, {}, 'costs');
    const columns = make('colgroup', table);
    for (const kind of ['epoch', 'page', 'here', 'page', 'here']) make('col', columns, {className: kind});
    const head = make('thead', table), first = make('tr', head), second = make('tr', head);
    make('th', first, {rowSpan: 2, scope: 'col'}, 'epoch');
    for (const model of MODELS) {
      make('th', first, {colSpan: 2, scope: 'colgroup'}, 'model', model);
      make('th', second, {scope: 'col'}, 'page');
      make('th', second, {scope: 'col'}, yours ? 'yours' : 'here');
    }
    const body = make('tbody', table);
    this.cells = {};
    this.record.autoencoder.costs.forEach(([epoch], row) => {
      const line = make('tr', body);
      make('th', line, {scope: 'row', textContent: epoch});
      for (const model of MODELS) {
        make('td', line, {textContent: this.record[model].costs[row][1]});
        this.cells[`${model} ${epoch}`] = make('td', line, {className: 'here'});
      }
    });
  }

  makePictures(parent, names) {
    this.pictures = {};
    for (const name of names) {
      const figure = make('figure', parent);
      make('figcaption', figure, {}, 'picture', name);
      const pair = make('div', figure, {className: 'pair'});
      const page = make('div', pair), here = make('div', pair);
      make('img', page, {src: `original/${name}.png`, width: 289, height: 289}, 'pageAlt', name);
      make('p', page, {}, 'page');
      const slot = make('div', here, {className: 'slot'});
      const label = make('p', here);
      make('span', label, {}, this.yours ? 'yours' : 'here');
      this.pictures[name] = {slot, label, mark: null};
    }
  }

  clear() {
    for (const cell of Object.values(this.cells)) cell.replaceChildren();
    for (const picture of Object.values(this.pictures)) {
      picture.slot.replaceChildren();
      picture.mark?.remove();
    }
    for (const counter of Object.values(this.counters)) counter.textContent = '';
    for (const part of this.logs) part.textContent = '';
    this.status.className = 'status';
  }

  // Trains with these settings. Returns the weights of both models, or null if it failed: `error` says why.
  async run(classes, settings) {
    this.clear();
    this.bar.hidden = this.columns.hidden = false;
    for (const {buttons} of runs) for (const button of buttons) button.disabled = true;
    this.stop.disabled = false;
    const start = performance.now();
    const seconds = () => Math.round((performance.now() - start) / 1000);
    const done = {autoencoder: 0, denoising_autoencoder: 0};
    // Of the bar, a tenth each is the download and the start.
    const advance = value => { this.progress.value = Math.max(value, this.progress.value); };
    this.progress.value = 0;
    this.comparing = false;
    this.error = null;
    const mb = bytes => (bytes / 1e6).toFixed(0);
    const on = {
      loaded: (bytes, total) => {
        advance(0.1 * bytes / total);
        if (bytes < total) say(this.status, 'loading', mb(bytes), mb(total));
        else say(this.status, 'starting');
      },
      training: () => {
        advance(0.2);
        say(this.status, 'training');
      },
      epochs: (model, n) => {
        done[model] = n;
        advance(0.2 + 0.75 * (done.autoencoder + done.denoising_autoencoder) / (2 * settings.epochs));
        say(this.counters[model], 'epochs', model, n, settings.epochs);
      },
      line: (text, model) => this.line(text, model),
      picture: (name, bytes) => this.picture(name, bytes),
      comparing: () => {
        this.comparing = true;
        say(this.status, 'comparing');
      },
    };
    try {
      if (typeof WebAssembly !== 'object') throw {kind: 'noWebAssembly'};
      const {weights, matches} = await train(this.site, {classes, settings, compare: !this.yours}, on);
      advance(1);
      if (this.yours) say(this.status, 'done', settings.epochs, seconds());
      else if (matches) say(this.status, 'matches', settings.epochs, seconds());
      else say(this.status, 'differs');
      if (!this.yours) this.status.classList.add(matches ? 'same' : 'different');
      return weights;
    } catch (error) {
      this.error = error;
      this.showError(error);
      return null;
    } finally {
      this.stop.disabled = true;
      for (const {buttons} of runs) for (const button of buttons) button.disabled = false;
    }
  }

  showError(error) {
    const {kind, message, line, traceback} = error;
    if (kind === 'python') say(this.status, kind, line, message);
    else if (kind) say(this.status, kind, message);
    else say(this.status, 'other', `${error}`);
    if (kind !== 'cancelled') this.status.classList.add('different');
    if (traceback) this.logs[2].append(traceback);
  }

  line(text, model) {
    this.logs[this.comparing ? 2 : MODELS.indexOf(model)].append(text, '\n');
    this.log.scrollTop = this.log.scrollHeight;
    const [, epoch, cost] = text.match(/^Training epoch (\d+), cost (\S+)$/) ?? [];
    const cell = this.cells[`${model} ${epoch}`];
    if (cell) {
      cell.textContent = cost;
      if (!this.yours) this.mark(cell, cost === cell.previousSibling.textContent);
    }
    // The comparison of a picture, in the table at the end.
    const [, name, equal, of] = text.match(/^(\w+)\.png +(\d+) of +(\d+) pixels/) ?? [];
    if (name) this.pictures[name].mark = this.mark(this.pictures[name].label, equal === of);
  }

  mark(parent, same) {
    const mark = make('span', parent, {className: `mark ${same ? 'same' : 'different'}`});
    make('span', mark, {ariaHidden: true, textContent: same ? '✓' : '✗'});
    make('span', mark, {className: 'unseen'}, same ? 'same' : 'different');
    return mark;
  }

  picture(file, bytes) {
    // The name has the corruption level in it.
    const name = file.replace(/\.png$/, '').replace(/^filters_corruption_.*/, 'filters_corruption_30');
    const {slot} = this.pictures[name] ?? {};
    if (slot && !slot.firstChild) {
      const source = URL.createObjectURL(new Blob([bytes], {type: 'image/png'}));
      make('img', slot, {src: source}, 'hereAlt', name);
    }
  }
}
