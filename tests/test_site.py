"""The page for the browser, in headless Chromium. It is built with untrained models; the slow test trains there."""
import functools
import http.server
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from conftest import PROJECT

import dA
from theano_tutorial import reference
from theano_tutorial.files import models

for package in 'nbconvert', 'latex2mathml':
    pytest.importorskip(package, reason='of the extra notebooks')
playwright = pytest.importorskip('playwright.sync_api')
sys.path.append(str(PROJECT / 'site'))
make_site = importlib.import_module('make_site')
fetch_pyodide = importlib.import_module('fetch_pyodide')

TYPES = {'.mjs': 'text/javascript', '.js': 'text/javascript', '.wasm': 'application/wasm', '.json': 'application/json'}


class Handler(http.server.SimpleHTTPRequestHandler):
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | TYPES  # Windows may have others

    def log_message(self, *_):
        pass


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    """The address of the page, and the folder with the models that it draws with."""
    folder, trained = tmp_path_factory.mktemp('site'), tmp_path_factory.mktemp('models')
    for k, (name, model_class) in enumerate(zip(make_site.MODELS, (dA.Autoencoder, dA.DenoisingAutoencoder))):
        models.save(model_class(np.random.RandomState(k), n_hidden=100), trained / name, (28, 28))
    try:
        make_site.build(folder, trained)
    except subprocess.CalledProcessError as error:
        pytest.skip(f'the page cannot be built here: {error}')
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/', trained
    server.shutdown()
    server.server_close()


@pytest.fixture
def open_page(site):
    """Open the page. pyodide : folder with Pyodide's files in the place of its CDN, or None for no network

    page.events has what should not be there: messages on the console, errors, and requests elsewhere.
    """
    with playwright.sync_playwright() as engine:
        path = shutil.which('chromium')
        if not path and not os.path.exists(engine.chromium.executable_path):
            pytest.skip('no chromium here')
        browser = engine.chromium.launch(executable_path=path, args=['--no-sandbox'])

        def open_page(pyodide=None, **options):
            urls = {file['url']: file['name'] for file in fetch_pyodide.pinned()['files']}

            def elsewhere(route):
                name = urls.get(route.request.url)
                if pyodide and name:
                    route.fulfill(path=pyodide / name, headers={'Access-Control-Allow-Origin': '*'},
                                  content_type=TYPES.get(Path(name).suffix, 'application/octet-stream'))
                else:
                    page.events.append(route.request.url)
                    route.abort()

            context = browser.new_context(**options)
            context.route(lambda url: not url.startswith((site[0], 'data:', 'blob:')), elsewhere)
            page = context.new_page()
            page.events = []
            page.on('console', lambda message: page.events.append(message.text))
            page.on('pageerror', lambda error: page.events.append(str(error)))
            page.goto(site[0])
            page.locator('#train:enabled').wait_for()
            return page

        yield open_page
        browser.close()


def pixels(page, name):
    """The grey levels of a canvas: integers, (784,)."""
    return np.array(page.evaluate('''name => Array.from(document.getElementById(name).getContext('2d')
        .getImageData(0, 0, 28, 28).data).filter((_, k) => k % 4 === 0)''', name))


def check_reconstructions(page, trained, x, *factors):
    """Compare what the page shows of both models with what they make here of x, multiplied by a factor for each."""
    canvases = 'z-autoencoder', 'z-denoising_autoencoder'
    for canvas, name, factor in zip(canvases, make_site.MODELS, factors, strict=True):
        model = dA.load(trained / name)
        z, = model.feedforward().eval({model.x: factor * x[np.newaxis]})
        np.testing.assert_allclose(pixels(page, canvas), np.minimum(256 * z, 255), rtol=0, atol=0.51)


def test_what_is_there_at_once(open_page):
    page = open_page(locale='ja-JP', viewport={'width': 390, 'height': 844})
    record = reference.record()
    for column, model in (2, 'autoencoder'), (4, 'denoising_autoencoder'):
        shown = page.locator(f'#replayed tbody tr > :nth-child({column})').all_inner_texts()
        assert shown == [cost for _, cost in record[model]['costs']]
    sizes = page.eval_on_selector_all('#replayed img', 'all => all.map(image => image.naturalWidth)')
    assert sizes == [289] * len(reference.PICTURES)
    assert 'def get_corrupted_input' in page.input_value('#classes')

    assert page.inner_text('h1') == 'Denoisingオートエンコーダのチュートリアルを、ブラウザで再現する'
    assert page.inner_text('#replayed .status') == 'まだ実行していません。'
    assert page.evaluate('document.documentElement.scrollWidth') == 390
    page.keyboard.press('Tab')
    page.keyboard.press('Enter')
    assert page.inner_text('#replayed .status') == 'Not started yet.' and page.url.endswith('?lang=en')
    assert page.evaluate('document.documentElement.scrollWidth') == 390
    assert page.events == []


def test_links(site, open_page):
    page = open_page()
    for link in page.eval_on_selector_all('a', 'all => all.map(link => link.href)'):
        assert not link.startswith(site[0]) or page.request.get(link).ok


def test_a_drawn_digit(site, open_page):
    page = open_page()
    page.fill('#corruption', '0')
    page.click('#clear')
    page.locator('#pad').scroll_into_view_if_needed()
    box = page.locator('#pad').bounding_box()
    for k, (x, y) in enumerate([(0.3, 0.2), (0.7, 0.2), (0.4, 0.8)]):  # a 7
        page.mouse.move(box['x'] + x * box['width'], box['y'] + y * box['height'], steps=5)
        if k == 0:
            page.mouse.down()
    page.mouse.up()
    x = pixels(page, 'pad') / 256
    assert 30 < np.count_nonzero(x) < 300 and x.max() > 0.9

    # The numbers, and what is shown of them: Chromium's exp and NumPy's need not round the same.
    z = page.evaluate('''async x => {
        const {readModels, reconstruct} = await import('./model.mjs');
        const models = readModels(await (await fetch('weights.bin')).arrayBuffer(), ['plain', 'denoising'], 784, 100);
        return Object.values(models).map(model => Array.from(reconstruct(model, x)));
    }''', x.tolist())
    expected = [dA.reconstruct(x, site[1] / name)[0] for name in make_site.MODELS]
    np.testing.assert_allclose(z, expected, rtol=0, atol=1e-12)
    check_reconstructions(page, site[1], x, 1, 1)

    page.fill('#corruption', '40')
    kept = pixels(page, 'corrupted') > 0
    assert 0.4 < kept.sum() / np.count_nonzero(x) < 0.8 and np.array_equal(pixels(page, 'corrupted'), 256 * x * kept)
    page.check('#scaled')
    assert page.locator('figcaption small').all_inner_texts() == ['input × 1.67', 'input × 1.17']
    check_reconstructions(page, site[1], x * kept, 1 / 0.6, 0.7 / 0.6)
    assert page.events == []


def test_sigmoid(open_page):
    """As Theano's, it is exactly 0 and 1 beyond its limits."""
    values = open_page().evaluate('''async () => {
        const {sigmoid} = await import('./model.mjs');
        return [-710, -709, 0, 19, 19.000001].map(sigmoid);
    }''')
    assert values[0] == 0 < values[1] and values[2] == 0.5 and values[3] < 1 == values[4]


def fails(page):
    """What the page says when the training has failed to start."""
    page.click('#replay button >> nth=0')
    page.locator('#replayed .status.different').wait_for()
    assert page.locator('button.main:enabled').count() == 3  # it can be tried again
    return page.inner_text('#replayed .status')


def test_without_what_a_training_needs(tmp_path, open_page):
    page = open_page()
    assert fails(page).startswith('The download failed: is there a network connection?')

    for file in fetch_pyodide.pinned()['files']:  # a CDN that serves something else
        (tmp_path / file['name']).write_text('postMessage({result: "not what was pinned"})')
    page = open_page(tmp_path)
    assert re.search(r'The download failed.*jsdelivr\.net/npm/pyodide@[0-9.]+/pyodide', fails(page))

    page.route('**/worker.mjs', lambda route: route.abort())
    assert fails(page).startswith('It could not start')
    page.evaluate('delete globalThis.WebAssembly')
    assert fails(page).startswith('This browser has no WebAssembly')


def test_only_the_weights_of_the_page(site, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['make_site.py', str(tmp_path / 'site'), '--models', str(site[1])])
    with pytest.raises(SystemExit, match='autoencoder.npz: trained with {}; the page has {.epochs.: 200'):
        make_site.main()


@pytest.fixture(scope='module')
def pyodide():
    """A folder with Pyodide's files."""
    folder = Path(os.environ.get('PYODIDE', PROJECT / 'output' / 'pyodide'))
    if missing := fetch_pyodide.fetch(folder):
        pytest.skip(f'Pyodide is not available here, nor in {folder} (set PYODIDE to another folder): no {missing[0]}')
    return folder


@pytest.mark.slow
def test_pin(pyodide, tmp_path, monkeypatch):
    pinned = fetch_pyodide.pinned()
    monkeypatch.setattr(fetch_pyodide, 'LIST', tmp_path / 'pyodide.json')
    fetch_pyodide.LIST.write_text(json.dumps(dict(packages=pinned['packages'])))
    fetch_pyodide.pin(pyodide)
    assert fetch_pyodide.pinned() == pinned


@pytest.mark.slow
def test_trainings(pyodide, open_page, run):
    page = open_page(pyodide)
    page.set_default_timeout(300_000)

    def costs(part):
        return page.locator(f'#{part} td.here').all_inner_texts()[:2]

    # One epoch of the page's training.
    page.evaluate('document.querySelector("[data-epochs]").dataset.epochs = 1')
    page.click('[data-epochs]')
    page.locator('#replayed .status:is(.same, .different)').wait_for()
    assert page.inner_text('#replayed .status').startswith('Everything matches after 1 epoch')
    assert page.locator('#replayed td .mark.same').count() == 2
    assert page.locator('#replayed .slot img').count() == 5 and page.locator('#replayed .different').count() == 0
    assert re.search('noise matrix +100 of +100 entries\n', page.locator('#replayed pre').text_content())

    # With other hyperparameters: the costs that dA.py prints here. Then both can be drawn with.
    def train(**fields):
        for name, value in fields.items():
            page.fill(f'[name={name}]', str(value))
        page.click('#train')
        page.locator('#train:enabled').wait_for()
        return page.inner_text('#changed .status')

    assert train(epochs=1, n_hidden=20, corruption=0.5).startswith('Trained for 1 epoch')
    done = run('dA.py', '--epochs', 1, '--n-hidden', 20, '--corruption', 0.5)
    assert costs('changed') == re.findall('cost (.*)', done.stdout)
    page.select_option('#weights', index=1)
    assert np.ptp(pixels(page, 'z-autoencoder')) > 0

    # Other code: without its noise, the denoising autoencoder is an autoencoder.
    page.click('[type=reset]')
    original = page.input_value('#classes')
    head, tail = original.split('class DenoisingAutoencoder')
    tail = re.sub(r'return self\.theano_rng.*?\* input', 'return input', tail, flags=re.S)
    page.fill('#classes', head + 'class DenoisingAutoencoder' + tail)
    assert train(epochs=1).startswith('Trained for 1 epoch')
    assert costs('changed') == [reference.record()['autoencoder']['costs'][0][1]] * 2

    # Errors in it: in its syntax, and in one class.
    page.fill('#classes', original + 'class :\n')
    assert train() == f'Line {original.count(chr(10)) + 1} of your classes: SyntaxError: invalid syntax'
    page.fill('#classes', original.replace('* input\n', '* inputs\n'))
    line = original[:original.index('* input\n')].count('\n') + 1
    assert train() == f"Line {line} of your classes: NameError: name 'inputs' is not defined"
    assert page.evaluate('getSelection().toString()').endswith('* inputs')

    page.click('[type=reset]')
    page.fill('[name=epochs]', '200')
    page.click('#train')
    page.click('#changed button:has-text("Stop")')
    page.locator('#train:enabled').wait_for()
    assert page.inner_text('#changed .status') == 'Stopped.' and page.input_value('#classes') == original
    assert page.events == []
