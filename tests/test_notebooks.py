"""The notebooks, executed in a new kernel and held against what is stored; their HTML, in a real browser."""
import os
import re
import shutil
import sys

import nbformat
import pytest
from conftest import PROJECT

sys.path.insert(0, os.path.join(PROJECT, 'notebooks'))
import make_notebooks

import original

NAMES = make_notebooks.NAMES


def stored(name):
    return nbformat.read(os.path.join(PROJECT, 'notebooks', f'{name}.ipynb'), as_version=4)


def texts(notebook):
    """What each code cell printed or showed, but for seconds and the name of the backend."""
    result = []
    for cell in notebook.cells:
        if cell.cell_type == 'code':
            text = ''.join(output.get('text') or output.get('data', {}).get('text/plain', '')
                           for output in cell.outputs)
            text = re.sub(r'^time: \d+s$|^\.\.\. computing .*$|, with \S+ epochs/sec', '', text, flags=re.M)
            # Whether a pixel is one grey level off depends on processor and BLAS.
            result.append(re.sub(r'\d+ of 83521 pixels +largest difference [01]$', 'of 83521', text, flags=re.M))
    return result


@pytest.fixture(scope='module', params=NAMES)
def notebook(request):
    """A notebook as it is stored, and executed anew."""
    return request.param, stored(request.param), make_notebooks.executed(request.param)


def test_it_runs_from_top_to_bottom(notebook):
    _, _, executed = notebook
    counts = [cell.execution_count for cell in executed.cells if cell.cell_type == 'code']
    assert counts == list(range(1, len(counts) + 1))
    for cell in executed.cells:
        for output in cell.get('outputs', ()):
            assert output.output_type != 'error' and output.get('name') != 'stderr', output


def test_what_is_stored_is_what_the_present_code_prints(notebook):
    _, stored, executed = notebook
    assert [cell.source for cell in stored.cells] == [cell.source for cell in executed.cells]
    assert texts(stored) == texts(executed)
    counts = [cell.execution_count for cell in stored.cells if cell.cell_type == 'code']
    assert counts == list(range(1, len(counts) + 1))
    # A picture in the one is a picture in the other.
    pictures = [[['image/png' in output.get('data', {}) for output in cell.get('outputs', ())] for cell in which.cells]
                for which in (stored, executed)]
    assert pictures[0] == pictures[1] and any(map(any, pictures[0]))


def test_everything_is_as_on_the_page(notebook):
    name, _, executed = notebook
    printed = '\n'.join(texts(executed))
    assert 'DIFFERENT' not in printed
    if name == 'denoising_autoencoder':
        for model in 'autoencoder', 'denoising_autoencoder':
            for epoch, cost in original.record()[model]['costs']:
                assert f'Training epoch {epoch}, cost {cost}\n' in printed
                assert f'{epoch:3}  here {cost}  page {cost}  equal\n' in printed
        assert 'noise matrix                  100 of   100 entries' in printed
        assert len(re.findall('^.*of 83521$', printed, re.M)) == 7
    else:
        page = original.record()['logistic_mini']
        for line in page['log']:
            assert f'equal     {line}\n' in printed
        for prediction in page['predictions_first_25_test']:
            assert f'here {prediction}  page {prediction}  equal\n' in printed


@pytest.mark.parametrize('name', NAMES)
def test_what_is_stored(name):
    path = os.path.join(PROJECT, 'notebooks', f'{name}.ipynb')
    assert os.path.getsize(path) < 3e6
    with open(path, encoding='utf-8') as file:
        assert not re.search(r'/(home|root|tmp|work|Users)/', file.read())
    for cell in stored(name).cells:
        if cell.cell_type == 'markdown':
            # Each text in both languages.
            assert re.search('[a-z]{3}', cell.source) and re.search('[\u3040-\u30ff]', cell.source)


CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')


@pytest.fixture(scope='module')
def browser():
    playwright = pytest.importorskip('playwright.sync_api')
    with playwright.sync_playwright() as engine:
        # Chromium refuses its sandbox to root.
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=['--no-sandbox'] if os.geteuid() == 0 else [])
        yield browser
        browser.close()


@pytest.mark.skipif(not CHROMIUM, reason='no chromium here')
@pytest.mark.parametrize('width', [1280, 390])
@pytest.mark.parametrize('name', NAMES)
def test_html_in_a_browser(browser, tmp_path, name, width):
    (tmp_path / 'page.html').write_text(make_notebooks.html(stored(name)), encoding='utf-8')
    page = browser.new_page(viewport={'width': width, 'height': 900})
    asked, complaints = [], []
    page.on('request', lambda request: asked.append(request.url))
    page.on('console', lambda message: complaints.append(message.text))
    page.on('pageerror', lambda error: complaints.append(str(error)))
    page.goto((tmp_path / 'page.html').as_uri())

    # Nothing is fetched but the page itself.
    assert [url for url in asked if not url.startswith('data:')] == [(tmp_path / 'page.html').as_uri()]
    assert complaints == []
    sizes = page.eval_on_selector_all('img', 'images => images.map(i => [i.complete, i.naturalWidth, i.width])')
    n_pictures = sum('image/png' in output.get('data', {}) for cell in stored(name).cells
                     for output in cell.get('outputs', ()))
    assert len(sizes) == n_pictures > 0
    assert all(complete and natural > 100 and shown > 100 for complete, natural, shown in sizes)

    # Each formula is set, and none is left as TeX.
    formulas = page.eval_on_selector_all('math', '''all => all.map(formula => {
        const box = formula.getBoundingClientRect(); return [box.width, box.height]; })''')
    n_formulas = sum(len(re.findall(r'\$\$.+?\$\$|\$.+?\$', cell.source, re.S)) for cell in stored(name).cells
                     if cell.cell_type == 'markdown')
    assert len(formulas) == n_formulas > 0 and all(width > 3 and height > 3 for width, height in formulas)
    prose = page.eval_on_selector_all('.jp-MarkdownOutput', 'all => all.map(element => element.innerText)')
    assert not re.search(r'\$|\\[a-z]', ''.join(prose))

    assert page.locator('.jp-RenderedText[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
    # The page is not wider than the window, and what is wider can be scrolled on its own.
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    assert float(page.eval_on_selector('.jp-MarkdownOutput p', 'p => parseFloat(getComputedStyle(p).fontSize)')) >= 12
    page.close()
