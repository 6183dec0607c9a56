"""The notebooks: what is stored, what they print when executed, and their HTML in a browser."""
import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import PROJECT

from theano_tutorial import reference

for package in 'nbconvert', 'latex2mathml', 'matplotlib':
    pytest.importorskip(package, reason='of the extra notebooks')
NOTEBOOKS = PROJECT / 'notebooks'
sys.path.append(str(NOTEBOOKS))
make_notebooks = importlib.import_module('make_notebooks')
FACTS = {'denoising_autoencoder': {r'\w+( \w+)? +20 of +20 costs as printed': 2, 'noise matrix +100 of +100 entries': 1,
                                   r'\w+: 83521 of 83521 pixels equal': 7,
                                   r'plain +x .+ cross-entropy 76\.0': 1, r'denoising +x .+ cross-entropy 83\.9': 1,
                                   r'denoising +0\.7 x .+ cross-entropy 70\.0': 1},
         'logistic_regression': {'logistic regression +30 of +30 lines as printed': 1,
                                 'its predictions +25 of +25 digits as printed': 1,
                                 r'training images: cost 2\.3026, log 10 2\.3026, error 90\.4%': 1,
                                 r'test +cost 0\.345, .+, error 8\.8%': 1, '6: negatives: 500 of 500 wrong': 1},
         'claims': {r' +100 +65\.1 +75\.49 ± 0\.27 +85\.3 ± 1\.3 +72\.21 ± 0\.40': 1}}
# Decimal numbers in the text that no cell has: 1 / 0.7, and the error on all of MNIST, in docs/logistic_regression.md.
NOT_PRINTED = {'denoising_autoencoder': ['1.43'], 'logistic_regression': ['7.5'],
               'claims': ['0.7', '0.975', '2.4']}
each_notebook = pytest.mark.parametrize('name', make_notebooks.NAMES)


def printed(notebook):
    """The text of all outputs. Fails if cells were not executed in order, or printed an error or on stderr."""
    cells = [cell for cell in notebook.cells if cell.cell_type == 'code']
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert all(output.output_type != 'error' and output.get('name') != 'stderr' for output in outputs)
    return '\n'.join(output.get('text') or output.data['text/plain'] for output in outputs)


def check_facts(name, notebook):
    for fact, times in FACTS[name].items():
        assert len(re.findall(f'^{fact}$', printed(notebook), re.M)) == times, fact


@each_notebook
def test_stored(name):
    path = NOTEBOOKS / f'{name}.ipynb'
    assert path.stat().st_size < 3e6
    assert not re.search(r'/(home|root|tmp|work|Users)/', path.read_text(encoding='utf-8'))
    notebook = make_notebooks.read(name)
    check_facts(name, notebook)
    for cell in notebook.cells:
        if 'source' in cell.metadata:  # a class or function of a script
            module, attribute = cell.metadata.source.split('.')
            assert cell.source == inspect.getsource(getattr(importlib.import_module(module), attribute)).rstrip()
        elif cell.cell_type == 'markdown':  # in both languages
            english, japanese = re.split(r'\n\n---\n\n(?=<div lang="ja">\n\n.+\n\n</div>$)', cell.source, flags=re.S)
            assert not re.search('[\u3040-\u9fff]', re.sub('<span lang="ja">.+?</span>', '', english))
            assert re.search('[\u3040-\u30ff]', japanese)


@pytest.mark.parametrize('name', NOT_PRINTED)
def test_numbers_in_the_text_are_printed(name):
    notebook = make_notebooks.read(name)
    cells = {kind: '\n'.join(cell.source for cell in notebook.cells if cell.cell_type == kind)
             for kind in ('code', 'markdown')}
    number = r'(?<![\d.])\d+\.\d+(?![\d.])'
    known = [float(text) for text in re.findall(number, printed(notebook) + cells['code'])]
    known += [100 * value for value in known]  # per cent
    for text in set(re.findall(number, cells['markdown'])).difference(NOT_PRINTED[name]):
        n_decimals = len(text.split('.')[1])
        assert any(f'{value:.{n_decimals}f}' == text for value in known), text
    for interval in re.findall(r'[\d.]+\s±\s[\d.]*\d', cells['markdown']):
        assert ' '.join(interval.split()) in printed(notebook), interval


@each_notebook
def test_first_cell(tmp_path, name):
    setup = next(cell.source for cell in make_notebooks.read(name).cells if cell.cell_type == 'code')

    def run(folder, *options):
        return subprocess.run([sys.executable, *options, '-c', setup], cwd=folder, capture_output=True, text=True,
                              env=os.environ | {'PYTHONPATH': str(tmp_path / 'installed')})

    result = run(PROJECT)
    assert result.stdout.startswith('... computing') and not result.stderr
    # A copy, where only the package is installed; and the notebook in its place, where nothing is.
    shutil.copytree(PROJECT / 'theano_tutorial', tmp_path / 'installed' / 'theano_tutorial')
    missing = 'experiments' if name == 'claims' else 'logistic_sgd'
    advice = 'Keep this notebook in notebooks/, and run in the project folder: pip install -e ".[fast,notebooks]"'
    for done, reason in (run(tmp_path), f"No module named '{missing}'"), (run(NOTEBOOKS, '-S'), 'No module named '):
        *trace, last = done.stderr.splitlines()
        assert last.startswith(f'ImportError: {reason}') and last.endswith(f'. {advice}') and len(trace) < 7


@pytest.mark.parametrize('name', ['logistic_regression', pytest.param('claims', marks=pytest.mark.slow)])
def test_executed(name):
    notebook = make_notebooks.read(name)
    make_notebooks.execute(notebook)
    check_facts(name, notebook)


def test_executed_for_a_few_epochs():
    notebook = make_notebooks.read('denoising_autoencoder')
    for cell in notebook.cells:
        cell.source = cell.source.replace('training_epochs = 200', 'training_epochs = 11')
    make_notebooks.execute(notebook)
    costs = [cost for model in ('autoencoder', 'denoising_autoencoder')
             for _, cost in reference.record()[model]['costs'][:2]]
    assert re.findall(r'Training epoch \d+, cost (.+)', printed(notebook)) == costs


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which('chromium'), reason='no chromium here')
@each_notebook
def test_html(tmp_path, name):
    playwright = pytest.importorskip('playwright.sync_api')
    path = tmp_path / 'page.html'
    path.write_text(make_notebooks.html(make_notebooks.read(name)), encoding='utf-8')
    with playwright.sync_playwright() as engine:
        page = engine.chromium.launch(executable_path=shutil.which('chromium'), args=['--no-sandbox']).new_page()
        events = []
        page.on('request', lambda request: events.append(request.url))
        page.on('console', lambda message: events.append(message.text))
        page.goto(path.as_uri())
        # Nothing is downloaded; all images and formulas are visible; nothing is wider than the window.
        assert [event for event in events if not event.startswith('data:')] == [path.as_uri()]
        assert not re.search(r'\$|\\[a-z]', ''.join(page.locator('.jp-MarkdownOutput').all_inner_texts()))
        for width in 1280, 390:
            page.set_viewport_size({'width': width, 'height': 900})
            sizes = page.eval_on_selector_all('img, math', 'all => all.map(e => e.getBoundingClientRect().width)')
            assert len(sizes) > 10 and min(sizes) > 3
            assert page.evaluate('document.documentElement.scrollWidth') <= width
