"""What replay.py --page makes of a copy of the page. The copies were written for the tests, but for the page itself."""
import re

import numpy as np
import pytest
from conftest import PROJECT
from test_legacy import notebook, text, web_page

from replay import main
from theano_tutorial import reference
from theano_tutorial.errors import InputError

PAGE = PROJECT.parent / 'shared' / 'page' / 'page.txt'
needs_page = pytest.mark.skipif(not PAGE.exists(), reason='no copy of the page at ../shared/page/page.txt')

# Cells that print and save what the page did, without training.
COSTS = '''
for epoch, cost in page['autoencoder']['costs']:
    print "Training epoch %d, cost %s" % (epoch, cost)
'''
ANSWERS = ('''
import numpy as np
from PIL import Image
from logistic_sgd import load_data
from theano_tutorial import reference
datasets = load_data(DATA + 'mini_mnist.pkl.gz')
page = reference.record()
''', COSTS, "np.array(page['noise_10x10'], float)", COSTS.replace('autoencoder', 'denoising_autoencoder'))
PICTURES = [f"Image.fromarray(reference.picture('{name}'))" for name in reference.PICTURES]
SAVE = [f"{picture}.save(DATA + '{name}')" for name, picture in zip(reference.PICTURES, PICTURES)]
SUBJECTS = ['data', 'autoencoder', 'filters_no_corruption.png', 'test_image.png', 'autoencoded_image.png',
            'noise matrix', 'denoising autoencoder', 'filters_corruption_30.png', 'dAed_image.png']


def test_command_line(tmp_path, run):
    path = tmp_path / '元の ページ.html'
    path.write_text(web_page(*ANSWERS, *SAVE, 'html("<b>日本</b>")'), encoding='utf-8')
    done = run('replay.py', '--page', path, '--output-dir', '出力 1')
    assert (done.returncode, done.stderr) == (0, '') and done.stdout.endswith('\nEverything matches.\n')
    compared = re.findall(r'^(.+\S)  +\d+ of +\d+ ', done.stdout, re.M)
    assert compared == ['logistic regression', 'its predictions', *SUBJECTS]
    epoch, cost = reference.record()['autoencoder']['costs'][-1]
    assert f'\nTraining epoch {epoch}, cost {cost}\narray([[ 1.,  1.,  1.,  1.,  1.,  0.,' in done.stdout
    assert '<b>日本</b>' in (tmp_path / '出力 1' / 'index.html').read_text(encoding='utf-8')


@pytest.fixture
def differences(tmp_path, monkeypatch, capsys):
    """Run a copy of the page, given as text. Returns what differs from the original."""
    monkeypatch.setattr('logistic_sgd.main', lambda output_dir: None)  # seconds; test_command_line compares it
    (tmp_path / 'out').mkdir()

    def differences(content):
        (tmp_path / 'copy').write_text(content, encoding='utf-8')
        assert main(200, tmp_path / 'out', tmp_path / 'copy') == 1
        subjects = capsys.readouterr().out.splitlines()[-1].removeprefix('Different: ').split(', ')
        assert subjects[:2] == ['logistic regression', 'its predictions']
        return subjects[2:]
    return differences


def test_pictures_are_shown_in_a_notebook(differences):
    assert differences(notebook(*ANSWERS, *PICTURES)) == []


@pytest.mark.parametrize('old, new, different', [
    ("['autoencoder']", "['denoising_autoencoder']", ['autoencoder']),
    ('"Training epoch', '"training epoch', ['autoencoder', 'denoising autoencoder']),
    ("], float)", '], float)[::-1]', ['noise matrix']),
    (SAVE[1], 'None', ['test_image.png']),
    (SAVE[0], SAVE[0].replace('.save', '.resize((9, 9)).save'), ['filters_no_corruption.png']),
    (PICTURES[4], PICTURES[2], ['dAed_image.png'])])
def test_a_copy_that_differs(differences, old, new, different):
    content = text(*ANSWERS, *SAVE)
    assert differences(content) == []
    # The pictures of this run are still there, but they do not count for the next one.
    assert differences(content.replace(old, new)) == different


def test_costs_and_noise_are_read_from_the_text():
    nan = pytest.approx(np.nan, nan_ok=True)
    printed = 'Training epoch 0, cost 1.5\nTraining epoch 0, cost 2.5\nTraining epoch 10, cost 3.25\n'
    assert reference.read_costs(printed, 11) == [[1.5] + [nan] * 10, [2.5] + [nan] * 9 + [3.25]]
    printed = 'Training epoch 5, cost 1.5\n' + 3 * 'Training epoch 0, cost 1.5\n'
    assert reference.read_costs(printed, 2) == [[1.5, nan]] * 2
    assert reference.read_noise('').size == 0
    noise = np.random.RandomState(0).binomial(1, 0.5, (10, 10)).astype(float)
    assert np.array_equal(reference.read_noise(f'1\n{noise}\n'), noise)
    assert np.array_equal(reference.read_noise(repr(noise)), noise)


def test_options_that_are_refused_before_the_training(tmp_path, run, monkeypatch):
    monkeypatch.setattr('logistic_sgd.main', None)
    (tmp_path / 'empty').write_text('')
    for options, message in ((dict(page=tmp_path / 'empty'), 'empty: no cells'),
                             (dict(page='any', checkpoint='any'), '--checkpoint cannot be combined with --page: ')):
        with pytest.raises(InputError, match=message):
            main(**options)
    shown = ' '.join(run('replay.py', '--help').stdout.split())
    assert '.py or .md file' in shown and 'AS CODE, with all your permissions' in shown


@needs_page
@pytest.mark.parametrize('epochs', [1, pytest.param(200, marks=pytest.mark.slow)])
def test_the_page_itself(tmp_path, run, epochs):
    done = run('replay.py', '--page', PAGE, '--epochs', epochs)
    assert (done.returncode, done.stderr) == (0, '') and done.stdout.endswith('\nEverything matches.\n')
    page = reference.record()
    assert re.findall('^Training epoch .*$', done.stdout, re.M) == [
        f'Training epoch {epoch}, cost {cost}' for model in ('autoencoder', 'denoising_autoencoder')
        for epoch, cost in page[model]['costs'] if epoch < epochs]
    # The noise is printed as on the page, to the letter.
    assert re.search(r'^array\(.*?\)$', PAGE.read_text(encoding='utf-8'), re.M | re.S)[0] in done.stdout
    assert len(re.findall(r'^\w+\.png +83521 of 83521 pixels$', done.stdout, re.M)) == (5 if epochs == 200 else 1)
    index = (tmp_path / 'output' / 'index.html').read_text(encoding='utf-8')
    assert set(re.findall(r"src='(\w+\.png)'", index)) == set(reference.PICTURES)
    assert all((tmp_path / 'output' / name).exists() for name in reference.PICTURES)
