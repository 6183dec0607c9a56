"""Execute the notebooks afresh, save them with their outputs, and write them as HTML that needs no network.

    python notebooks/make_notebooks.py

A formula becomes MathML, which browsers set by themselves, so that no MathJax has to be fetched.
"""
import os
import re
import sys

import nbformat
from latex2mathml.converter import convert
from nbclient import NotebookClient
from nbconvert import HTMLExporter

NOTEBOOKS = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.dirname(NOTEBOOKS)
NAMES = ('denoising_autoencoder', 'logistic_regression')

sys.path.insert(0, PROJECT)
from command_line import ArgumentParser, run  # noqa: E402
from files import make_folder, written_beside  # noqa: E402


def executed(name):
    """The notebook, run from top to bottom in a new kernel. Raises CellExecutionError when a cell fails."""
    notebook = nbformat.read(os.path.join(NOTEBOOKS, f'{name}.ipynb'), as_version=4)
    # A kernel warns that it listens on a port of this machine; its errors come here in any case.
    NotebookClient(notebook, timeout=1800, kernel_name='python3', extra_arguments=['--log-level=ERROR'],
                   resources={'metadata': {'path': NOTEBOOKS}}, record_timing=False).execute()
    notebook.metadata.language_info = {'name': 'python'}  # without the version of this machine's Python
    return notebook


def html(notebook):
    """A page of the notebook, in one piece."""
    notebook = nbformat.from_dict(notebook)
    for cell in notebook.cells:
        if cell.cell_type == 'markdown':
            cell.source = re.sub(r'\$\$(.+?)\$\$', lambda formula: convert(formula[1].strip(), display='block'),
                                 cell.source, flags=re.DOTALL)
            cell.source = re.sub(r'\$(.+?)\$', lambda formula: convert(formula[1]), cell.source)
    exporter = HTMLExporter(template_file=os.path.join(NOTEBOOKS, 'page.html.j2'))
    return exporter.from_notebook_node(notebook, {'metadata': {'name': notebook.metadata.title}})[0]


def main():
    parser = ArgumentParser('Execute the notebooks afresh, save them, and write them as HTML.')
    parser.add_argument('--output-dir', default=os.path.join(PROJECT, 'output'), help='folder for the HTML')
    options = parser.parse_args()
    try:
        make_folder(options.output_dir)
        for name in NAMES:
            print('... executing', name)
            notebook = executed(name)
            for path, content in ((os.path.join(NOTEBOOKS, f'{name}.ipynb'), nbformat.writes(notebook) + '\n'),
                                  (os.path.join(options.output_dir, f'{name}.html'), html(notebook))):
                with written_beside(path) as beside, open(beside, 'w', encoding='utf-8') as file:
                    file.write(content)
                print('saved', path)
    except OSError as error:
        parser.error(error)


if __name__ == '__main__':
    run(main)
