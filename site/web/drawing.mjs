// A digit that is drawn or taken from the test set, its corrupted copy, and what both models make of it.
import {corrupt, reconstruct, trainingScale} from './model.mjs';
import {say} from './text.mjs';

const SIDE = 28, TILE = SIDE + 1;  // a picture of 10 x 10 images has a gap of one pixel between them
const READ = {willReadFrequently: true};  // so small a canvas is better in the processor's memory

// The images of a picture that save_tiles wrote, as rows of values in [0, 1].
async function readTiles(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext('2d', READ);
  context.drawImage(image, 0, 0);
  return Array.from({length: 100}, (_, k) => grey(context, k % 10 * TILE, Math.floor(k / 10) * TILE));
}

// Pixels of a canvas, divided by 256 as MNIST's are.
function grey(context, left, top) {
  const {data} = context.getImageData(left, top, SIDE, SIDE);
  return Float64Array.from({length: SIDE * SIDE}, (_, k) => data[4 * k] / 256);
}

// Shows values in [0, 1], multiplied by 256; a canvas rounds them, and has no pixel above 255.
function show(canvas, values) {
  const context = canvas.getContext('2d', READ);
  const image = context.createImageData(SIDE, SIDE);
  values.forEach((value, k) => image.data.set([256 * value, 256 * value, 256 * value, 255], 4 * k));
  context.putImageData(image, 0, 0);
}

export class Drawing {
  // elements: pad, corrupted, autoencoder, denoising_autoencoder (canvases), factors (of the two models), corruption (a
  // slider), level (its output), scaled (a checkbox), noise, digit and clear (buttons)
  // trainedWith: corruption level of the denoising autoencoder's training
  constructor(elements, models, trainedWith) {
    Object.assign(this, {elements, models, trainedWith, digit: -1});
    this.pad = elements.pad.getContext('2d', READ);
    this.x = new Float64Array(SIDE * SIDE);
    this.newNoise();
    elements.corruption.oninput = elements.scaled.onchange = () => this.update();
    elements.noise.onclick = () => {
      this.newNoise();
      this.update();
    };
    elements.clear.onclick = () => this.setInput(new Float64Array(SIDE * SIDE));
    elements.digit.onclick = () => this.nextDigit();
    this.listenToPointer(elements.pad);
  }

  setModels(models, trainedWith) {
    Object.assign(this, {models, trainedWith});
    this.update();
  }

  newNoise() {
    this.noise = Float64Array.from(this.x, Math.random);
  }

  setInput(x) {
    show(this.elements.pad, x);
    this.x = x;
    this.update();
  }

  async nextDigit() {
    this.digits ??= await readTiles('original/test_image.png');
    this.digit = (this.digit + 1) % this.digits.length;
    this.setInput(this.digits[this.digit]);
  }

  listenToPointer(pad) {
    let last = null;
    const position = ({clientX, clientY}) => {
      const {left, top, width, height} = pad.getBoundingClientRect();
      return [(clientX - left) * SIDE / width, (clientY - top) * SIDE / height];
    };
    const line = event => {
      const next = position(event);
      Object.assign(this.pad, {lineWidth: 2.2, lineCap: 'round', strokeStyle: '#fff'});
      this.pad.beginPath();
      this.pad.moveTo(...last);
      this.pad.lineTo(...next);
      this.pad.stroke();
      last = next;
      this.x = grey(this.pad, 0, 0);
      this.update();
    };
    pad.onpointerdown = event => {
      if (event.button) return;
      pad.setPointerCapture(event.pointerId);
      last = position(event);
      line(event);
    };
    pad.onpointermove = event => { if (last) line(event); };
    pad.onpointerup = pad.onpointercancel = () => { last = null; };
  }

  update() {
    const {corruption, level, scaled, factors} = this.elements;
    const corruptionLevel = Number(corruption.value) / 100;
    level.textContent = `${corruption.value}%`;
    const tildeX = corrupt(this.x, corruptionLevel, this.noise);
    show(this.elements.corrupted, tildeX);
    for (const [name, trainedWith] of [['autoencoder', 0], ['denoising_autoencoder', this.trainedWith]]) {
      const factor = scaled.checked ? trainingScale(trainedWith, corruptionLevel) : 1;
      show(this.elements[name], reconstruct(this.models[name], tildeX.map(value => factor * value)));
      say(factors[name], 'factor', factor.toFixed(2));
    }
  }
}
