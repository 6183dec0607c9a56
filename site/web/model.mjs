// The trained models: what dA.py's reconstruct() computes, in plain JavaScript and in float64.

// Theano's sigmoid: exactly 1 above 19, exactly 0 below -709. See theano_tutorial/nnet.py.
export function sigmoid(x) {
  return x < -709 ? 0 : x > 19 ? 1 : 1 / (1 + Math.exp(-x));
}

// z, equations (1) and (2), for an input that is not corrupted any further.
// model: {W, b, bPrime} of Float64Array; W is stored by rows, a row for each pixel and a column for each hidden unit.
export function reconstruct({W, b, bPrime}, x) {
  const y = Float64Array.from(b);
  for (let k = 0, at = 0; k < x.length; k++) {
    for (let j = 0; j < y.length; j++) y[j] += x[k] * W[at++];
  }
  for (let j = 0; j < y.length; j++) y[j] = sigmoid(y[j]);
  const z = Float64Array.from(bPrime);
  for (let k = 0, at = 0; k < z.length; k++) {
    for (let j = 0; j < y.length; j++) z[k] += y[j] * W[at++];
    z[k] = sigmoid(z[k]);
  }
  return z;
}

// tilde_x, equation (4). noise: a number in [0, 1) for each pixel. With the same noise, more corruption_level only adds
// to the pixels that are 0.
export function corrupt(x, corruptionLevel, noise) {
  return x.map((value, k) => noise[k] < corruptionLevel ? 0 : value);
}

// What tilde_x is multiplied by, so that the sums of equation (1) are as large as they were in training, where a model
// saw 1 - trainedWith of each image on average.
export function trainingScale(trainedWith, corruptionLevel) {
  return (1 - trainedWith) / (1 - corruptionLevel);
}

// The models in a buffer that holds W, b and bPrime of one after the other, float64.
export function readModels(buffer, names, nVisible, nHidden) {
  let at = 0;
  const take = n => new Float64Array(buffer, 8 * (at += n) - 8 * n, n);
  return Object.fromEntries(names.map(name =>
    [name, {W: take(nVisible * nHidden), b: take(nHidden), bPrime: take(nVisible)}]));
}
