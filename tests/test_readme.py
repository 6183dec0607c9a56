"""The texts: both languages have the same content, links have targets, and quoted output equals the record."""
import re

import pytest
from conftest import PROJECT
from packaging.requirements import Requirement

from theano_tutorial.reference import record

TEXTS = [path.relative_to(PROJECT).as_posix() for folder in ('.', 'docs', 'benchmarks', 'data')
         for path in sorted((PROJECT / folder).glob('*.md'))]

TRANSLATED = [name.replace('.ja.md', '.md') for name in TEXTS if name.endswith('.ja.md')]


def read(name):
    return (PROJECT / name).read_text(encoding='utf-8')


@pytest.mark.parametrize('name', TRANSLATED)
def test_both_languages_have_the_same_content(name):
    def parts(text, pattern):
        return re.findall(pattern, text, re.M)

    english, japanese = (re.sub(r'\.ja\.(md|png)', r'.\1', read(path))
                         for path in (name, name.replace('.md', '.ja.md')))
    for pattern in (r'(?s)```.*?```', r'^    (\S.*?)(?: *#.*)?$', r'^#+(?= )|^\||^- |^\d\.',  # code, commands, parts
                    r'\]\(([^)]+)\)', r'(?:python3?|py) -m [^`\n]*'):  # links, commands in a line
        assert parts(english, pattern) == parts(japanese, pattern)
    number = r'(?<!\d)(?!10\D)\d[\d,.]*\d'  # Japanese has 1/10 for a tenth
    assert sorted(parts(english, number)) == sorted(parts(japanese, number)) != []
    assert set(parts(english, r'`[^`\n]+`')) <= set(parts(japanese, r'`[^`\n]+`'))


@pytest.mark.parametrize('name', TRANSLATED)
def test_japanese_texts_lead_to_japanese_texts(name):
    folder, japanese = (PROJECT / name).parent, name.replace('.md', '.ja.md')
    to_english = [path for path in re.findall(r'\]\(([^):]+(?<!\.ja)\.md)\)', read(japanese))
                  if (folder / path).with_suffix('.ja.md').exists()]
    assert to_english == [(PROJECT / name).name]  # the text itself


@pytest.mark.parametrize('name', TEXTS)
def test_links_have_targets(name):
    for path in re.findall(r'\]\((?!\.\./\.\./deployments/)([^)#:]+)\)', read(name)):  # the repository's, on GitHub
        assert (PROJECT / name).parent.joinpath(path).exists(), path
    for path in re.findall(r'`((?:tests|data|docs|notebooks|site|theano_tutorial)/[\w/.]+\.\w+|\w+\.py)`', read(name)):
        assert (PROJECT / path).exists(), path


def test_quotes_are_those_of_the_record():
    for page in record()['autoencoder'], record()['denoising_autoencoder']:
        costs = f'{page["costs"][0][1]}, {page["costs"][-1][1]}'
        assert re.search(rf'\| {costs}, `time: \d+s` \| {costs}, `time: {page["seconds_page"]}s` \|', read('README.md'))
    quoted = re.findall(r'^ *(?:epoch \d|Optimization|\().*$', read('docs/logistic_regression.md'), re.M)
    page = record()['logistic_mini']
    assert quoted[:4] == [*page['log'][:2], page['log'][-1], page['predictions_first_25_test'][0]]
    assert quoted[4:] == record()['logistic_full_documented']['log']


def test_what_the_texts_say_of_the_benchmark_follows_from_its_tables():
    text = read('benchmarks/README.md')
    joined = ' '.join(text.split())
    first, second = text.split('\n| seconds per epoch |')[1:3]

    def numbers(table, name, number):
        return [float(found) for found in re.findall(number, re.search(rf'^\| {name} \|(.*)$', table, re.M)[1])]

    def ratios(name):  # plain and denoising in float64, then in float32
        return [ours / other for ours, other in zip(numbers(first, 'ours, C', r'(\S+) x'),
                                                    numbers(first, name, r'(\S+) x'))]

    def seconds(table, name):  # of 200 epochs of both models
        return 200 * sum(numbers(table, name, r'(\S+) \(')[:2])

    jax, theano = ratios(r'JAX, lax\.scan'), ratios('Theano')
    assert f'An epoch takes {min(jax):.2f} to {max(jax):.2f} times as long as' in joined
    assert f'** takes {1 / max(theano):.1f} to {1 / min(theano):.1f} times as long as' in joined
    assert f'tables make {seconds(first, "ours, C"):.0f} and {seconds(second, "ours, Numba"):.0f}.' in joined
    busy = [float(two) / float(one) for row in re.findall(r'^\| \d+ ((?:\| [\d.]+ ){4})\|$', text, re.M)
            for two, one in re.findall(r'\| (\S+) \| (\S+)', row)]
    assert len(busy) == 6 and f'two threads took {min(busy):.2f} to {max(busy):.2f} times as long as one' in joined
    assert f'an epoch takes {100 * min(theano[:2]):.0f} to {max(theano[:2]):.0%} of' in read('README.md')


def test_versions_of_the_quoted_run_and_of_the_project():
    python, pytensor, numpy = re.search(r'Python (\S+), PyTensor (\S+) and numpy (\S+);', read('docs/page.md')).groups()
    constraints = read('constraints.txt').splitlines()
    assert f'Python {python}:' in constraints[0]
    assert {f'pytensor=={pytensor}', f'numpy=={numpy}'} < {line.split(';')[0] for line in constraints}
    version = re.search(r"\bversion='(.*)'", read('setup.py'))[1]
    assert f'\nversion: {version}\n' in read('CITATION.cff')


@pytest.mark.parametrize('platform, machine, versions', [
    ('darwin', 'x86_64', ['<0.63', '==0.62.1', '==2.3.5']), ('darwin', 'arm64', ['==0.65.1', '==2.4.6']),
    ('linux', 'x86_64', ['==0.65.1', '==2.4.6'])])
def test_intel_macs_get_wheels_of_numba(platform, machine, versions):
    environment = {'sys_platform': platform, 'platform_machine': machine, 'extra': ''}
    required = re.search(r"'(numba.*)'", read('setup.py'))[1]
    pinned = [line for line in read('constraints.txt').splitlines() if line.startswith(('numba=', 'numpy='))]
    assert [str(requirement.specifier) for requirement in map(Requirement, [required, *pinned])
            if requirement.marker is None or requirement.marker.evaluate(environment)] == versions
