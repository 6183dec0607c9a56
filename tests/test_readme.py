"""The texts: both READMEs have the same content, links have targets, and quoted output equals the record."""
import re

import pytest
from conftest import PROJECT
from packaging.requirements import Requirement

from theano_tutorial.reference import record

TEXTS = [path.relative_to(PROJECT).as_posix() for folder in ('.', 'docs', 'benchmarks', 'data')
         for path in sorted((PROJECT / folder).glob('*.md'))]


def read(name):
    return (PROJECT / name).read_text(encoding='utf-8')


@pytest.mark.parametrize('pattern', [
    r'(?s)```.*?```', r'^    (\S.*?)(?: *#.*)?$', r'^#+(?= )|^\||^- ',  # code and output; commands; parts
    r'\]\(([^)]+)\)', r'(?:python3?|py) -m [^`\n]*', r'\d+\.\d{6}|time: \d+s'])  # links; commands in a line; numbers
def test_both_languages_have_the_same_content(pattern):
    english, japanese = read('README.md').replace('README.ja.md', 'README.md'), read('README.ja.md')
    assert re.findall(pattern, english, re.M) == re.findall(pattern, japanese, re.M) != []


@pytest.mark.parametrize('name', TEXTS)
def test_links_have_targets(name):
    for path in re.findall(r'\]\(([^)#:]+)\)', read(name)):
        assert (PROJECT / name).parent.joinpath(path).exists(), path
    for path in re.findall(r'`((?:tests|data|docs|notebooks|theano_tutorial)/[\w/.]+\.\w+|\w+\.py)`', read(name)):
        assert (PROJECT / path).exists(), path


def test_quotes_are_those_of_the_record():
    for page in record()['autoencoder'], record()['denoising_autoencoder']:
        costs = f'{page["costs"][0][1]}, {page["costs"][-1][1]}'
        assert re.search(rf'\| {costs}, `time: \d+s` \| {costs}, `time: {page["seconds_page"]}s` \|', read('README.md'))
    quoted = re.findall(r'^ *(?:epoch \d|Optimization|\().*$', read('docs/logistic_regression.md'), re.M)
    page = record()['logistic_mini']
    assert quoted[:4] == [*page['log'][:2], page['log'][-1], page['predictions_first_25_test'][0]]
    assert quoted[4:] == record()['logistic_full_documented']['log']


def test_versions_of_the_quoted_run_and_of_the_project():
    python, pytensor, numpy = re.search(r'Python (\S+), PyTensor (\S+) and numpy (\S+);', read('README.md')).groups()
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
