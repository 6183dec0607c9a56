"""Execute the notebooks, save them with their outputs, and write them as HTML that can be read offline.

    python notebooks/make_notebooks.py

A code cell with the metadata {"source": "dA.Autoencoder"} is first replaced by that class or function, read from dA.py.
In the HTML, formulas are MathML, which browsers display without downloading MathJax.
"""
import argparse
import ast
import os
import re

import nbformat
from latex2mathml.converter import convert
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from theano_tutorial.files.storage import atomic_write, make_folder

NOTEBOOKS = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.dirname(NOTEBOOKS)
NAMES = ('denoising_autoencoder', 'logistic_regression', 'claims')


def read(name):
    """The stored notebook, an nbformat.NotebookNode."""
    return nbformat.read(os.path.join(NOTEBOOKS, f'{name}.ipynb'), as_version=4)


def insert_sources(notebook):
    """Replace each cell that has the metadata `source`, 'module.name', by that class or function of the project."""
    for cell in notebook.cells:
        if 'source' in cell.metadata:
            module, name = cell.metadata.source.split('.')
            with open(os.path.join(PROJECT, f'{module}.py'), encoding='utf-8') as file:
                text = file.read()
            node, = (node for node in ast.parse(text).body if getattr(node, 'name', None) == name)
            cell.source = ast.get_source_segment(text, node)


def execute(notebook):
    """Run all cells in a new kernel. Raises CellExecutionError if one fails."""
    # The kernel's warning about its TCP port would be the only thing on stderr.
    NotebookClient(notebook, timeout=1800, kernel_name='python3', extra_arguments=['--log-level=ERROR'],
                   resources={'metadata': {'path': NOTEBOOKS}}, record_timing=False, coalesce_streams=True).execute()
    notebook.metadata.language_info = {'name': 'python'}  # without the version of this machine's Python


def html(notebook):
    """The notebook as one self-contained HTML page, a string."""
    notebook = nbformat.from_dict(notebook)
    for cell in notebook.cells:
        if cell.cell_type == 'markdown':
            cell.source = re.sub(r'\$\$(.+?)\$\$', lambda formula: convert(formula[1].strip(), display='block'),
                                 cell.source, flags=re.DOTALL)
            cell.source = re.sub(r'\$(.+?)\$', lambda formula: convert(formula[1]), cell.source)
    exporter = HTMLExporter(template_file=os.path.join(NOTEBOOKS, 'page.html.j2'))
    return exporter.from_notebook_node(notebook, {'metadata': {'name': notebook.metadata.title}})[0]


def main():
    parser = argparse.ArgumentParser(description='Execute the notebooks, save them, and write them as HTML.')
    parser.add_argument('--output-dir', default=os.path.join(PROJECT, 'output'), metavar='DIR',
                        help='folder for the HTML (default: output)')
    output_dir = parser.parse_args().output_dir
    make_folder(output_dir)
    for name in NAMES:
        print('... executing', name)
        notebook = read(name)
        insert_sources(notebook)
        execute(notebook)
        for path, content in ((os.path.join(NOTEBOOKS, f'{name}.ipynb'), nbformat.writes(notebook) + '\n'),
                              (os.path.join(output_dir, f'{name}.html'), html(notebook))):
            with atomic_write(path) as file:
                file.write(content.encode())
            print('saved', path)


if __name__ == '__main__':
    main()
