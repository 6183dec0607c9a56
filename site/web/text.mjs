// What the page says in its two languages. The text that never changes is in index.html, in elements with lang="en" and
// lang="ja", of which style.css shows those of the page's language; what the scripts write is here.

const MODEL = {
  en: {autoencoder: 'autoencoder', denoising_autoencoder: 'denoising autoencoder'},
  ja: {autoencoder: 'オートエンコーダ', denoising_autoencoder: 'Denoisingオートエンコーダ'},
};
const PICTURE = {
  en: {
    filters_no_corruption: 'Filters of the autoencoder',
    test_image: 'Test images',
    autoencoded_image: 'Reconstructed by the autoencoder',
    filters_corruption_30: 'Filters of the denoising autoencoder',
    dAed_image: 'Reconstructed by the denoising autoencoder',
  },
  ja: {
    filters_no_corruption: 'オートエンコーダの重み',
    test_image: 'テストデータ',
    autoencoded_image: 'オートエンコーダによる復元',
    filters_corruption_30: 'Denoisingオートエンコーダの重み',
    dAed_image: 'Denoisingオートエンコーダによる復元',
  },
};

const count = epochs => `${epochs} epoch${epochs === 1 ? '' : 's'}`;
const TEXT = {
  en: {
    title: () => 'A denoising autoencoder tutorial, replayed in your browser',
    idle: () => 'Not started yet.',
    loading: (mb, of) => `Downloading Python, NumPy, SciPy and PyTensor: ${mb} of ${of} MB.`,
    starting: () => 'Starting Python and PyTensor: about ten seconds.',
    training: () => 'Training both models.',
    comparing: () => 'Training the logistic regression that the page builds on, then comparing: a few seconds.',
    matches: (epochs, seconds) =>
      `Everything matches after ${count(epochs)} of both models. It took ${seconds} seconds.`,
    differs: () => 'Something differs from the page: see the table in the log.',
    done: (epochs, seconds) => `Trained for ${count(epochs)}. It took ${seconds} seconds.`,
    cancelled: () => 'Stopped.',
    epochs: (model, n, of) => `${MODEL.en[model]}: ${n} of ${of} epochs`,
    stop: () => 'Stop',
    log: () => 'Log',
    logAndTable: () => 'Log, with the table of what matches',
    epoch: () => 'epoch',
    costs: () => 'Mean cost of an epoch, in nats',
    model: model => MODEL.en[model],
    page: () => 'the page',
    here: () => 'here',
    yours: () => 'yours',
    picture: name => PICTURE.en[name],
    pageAlt: name => `${PICTURE.en[name]}, on the page`,
    hereAlt: name => `${PICTURE.en[name]}, computed here`,
    same: () => 'as on the page',
    different: () => 'differs from the page',
    network: message => `The download failed: is there a network connection? (${message})`,
    memory: () => 'The browser ran out of memory: close other tabs and try again, or use a computer.',
    worker: message => `It could not start: a network connection and a browser of 2023 or later are needed. ${message}`,
    noWebAssembly: () => 'This browser has no WebAssembly, which Python needs: use a browser of 2023 or later.',
    site: message => `A file of this site could not be loaded: ${message}`,
    other: message => `It failed: ${message}`,
    python: (line, message) => line ? `Line ${line} of your classes: ${message}` : `It failed: ${message}`,
    factor: value => `input × ${value}`,
    original: epochs => `those of the page, ${epochs} epochs`,
    trained: epochs => `those of your last training, ${count(epochs)}`,
  },
  ja: {
    title: () => 'Denoisingオートエンコーダのチュートリアルを、ブラウザで再現する',
    idle: () => 'まだ実行していません。',
    loading: (mb, of) => `Python、NumPy、SciPy、PyTensorをダウンロードしています: ${of} MB中 ${mb} MB`,
    starting: () => 'PythonとPyTensorを起動しています (10秒ほどかかります)。',
    training: () => '2つのモデルを学習しています。',
    comparing: () => '同じ著者の手書き数字認識のページにあるロジスティック回帰を学習し、結果を比較しています (数秒かかります)。',
    matches: (epochs, seconds) => `2つのモデルを${epochs}エポック学習し、結果はすべて一致しました。所要時間は${seconds}秒です。`,
    differs: () => '元のページと一致しないものがあります。ログの表を見てください。',
    done: (epochs, seconds) => `${epochs}エポックの学習が終わりました。所要時間は${seconds}秒です。`,
    cancelled: () => '中止しました。',
    epochs: (model, n, of) => `${MODEL.ja[model]}: ${of}エポック中 ${n}`,
    stop: () => '中止',
    log: () => 'ログ',
    logAndTable: () => 'ログ (最後に、一致したかどうかの表があります)',
    epoch: () => 'エポック',
    costs: () => '各エポックのコストの平均 (単位はナット)',
    model: model => MODEL.ja[model],
    page: () => '元のページ',
    here: () => 'ここでの結果',
    yours: () => '変更後',
    picture: name => PICTURE.ja[name],
    pageAlt: name => `${PICTURE.ja[name]} (元のページ)`,
    hereAlt: name => `${PICTURE.ja[name]} (このブラウザでの結果)`,
    same: () => '一致',
    different: () => '不一致',
    network: message => `ダウンロードに失敗しました。ネットワーク接続を確認してください (${message})。`,
    memory: () => 'ブラウザのメモリが足りません。ほかのタブを閉じてやり直すか、パソコンでお試しください。',
    worker: message => `学習を開始できませんでした。ネットワーク接続と、2023年以降のブラウザが必要です。${message}`,
    noWebAssembly: () => 'このブラウザでは、Pythonの実行に必要なWebAssemblyを使えません。2023年以降のブラウザをお使いください。',
    site: message => `このサイトのファイルを読み込めませんでした: ${message}`,
    other: message => `失敗しました: ${message}`,
    python: (line, message) => line ? `クラスのコードの${line}行目: ${message}` : `失敗しました: ${message}`,
    factor: value => `入力 × ${value}`,
    original: epochs => `元のページのもの (${epochs}エポック)`,
    trained: epochs => `ここで最後に学習したもの (${epochs}エポック)`,
  },
};

const shown = new Map();

function write(element) {
  const [key, values] = shown.get(element);
  const text = TEXT[language()][key](...values);
  if (element.tagName === 'IMG') element.alt = text;
  else element.textContent = text;
}

export const language = () => document.documentElement.lang;

// Writes a text into an element, in the page's language now and after each switch. The text of an image is its alt.
export function say(element, key, ...values) {
  shown.set(element, [key, values]);
  write(element);
}

export function setLanguage(lang) {
  document.documentElement.lang = lang;
  document.title = TEXT[lang].title();
  for (const element of shown.keys()) write(element);
}
