"""The README in English and Japanese: that the two say the same, and that what they point to is there."""
import os
import re

import pytest
from conftest import PROJECT

from original import record


def read(name):
    with open(os.path.join(PROJECT, name), encoding='utf-8') as file:
        return file.read()


def test_the_two_have_the_same_numbers_and_commands():
    english, japanese = read('README.md'), read('README.ja.md')

    def printed(text):
        return re.findall(r'```.*?```', text, re.DOTALL)

    def commands(text):
        return re.findall(r'^    (\S.*?)(?: *#.*)?$', text, re.MULTILINE)

    def speeds(text):
        return [re.findall(r'\d\.\d+', row) for row in re.findall(r'^\|.*\d\.\d{3} .*$', text, re.MULTILINE)]

    for part, length in (printed, 3), (commands, 11), (speeds, 12):
        assert part(english) == part(japanese) and len(part(english)) == length
    for part in r'^#+ ', r'^\|', r'`tests/\w+\.py`', r'https?://[^)\s]+', r'\d+ MB':
        assert len(re.findall(part, english, re.M)) == len(re.findall(part, japanese, re.M)), part


@pytest.mark.parametrize('name', ['README.md', 'README.ja.md', 'SECURITY.md', 'data/README.md', 'benchmarks/README.md'])
def test_what_they_point_to_is_there(name):
    text = read(name)
    for path in re.findall(r'\]\(([^)#:]+)(?:#[^)]*)?\)', text):
        assert os.path.exists(os.path.join(PROJECT, os.path.dirname(name), path)), path
    for path in re.findall(r'`((?:tests|data|benchmarks|notebooks)/[\w/.]+\.\w+)`', text):
        assert os.path.exists(os.path.join(PROJECT, path)), path
    for anchor in re.findall(r'README\.md#([\w-]+)', text):
        headings = re.findall(r'^#+ (.*)$', read('README.md'), re.MULTILINE)
        assert anchor in [re.sub('[^a-z0-9 ]', '', heading.lower()).replace(' ', '-') for heading in headings]


def test_the_quoted_output_is_the_pages():
    text = read('README.md')
    for line in record()['logistic_mini']['log'] + record()['logistic_mini']['predictions_first_25_test']:
        assert f'\n{line}\n' in text
    for line in record()['logistic_full_documented']['log'][-4:]:
        assert line in text
