"""Commands to Jupyter in the cells of a file, such as %matplotlib inline. In Jupyter, IPython does what they say."""
import re

from theano_tutorial.legacy.python2 import split

# At the beginning of a line: %name or %%name with its arguments, !command, ?name or name?
COMMAND = re.compile(r'([ \t]*)(?:(%{1,2})(\w+)|(?=!)|(?=\?{1,2}[\w.]+ *$)|(?=[\w.]+\?{1,2} *$))((?:\\\n|.)*)', re.M)
OPTIONS = re.compile(r'(?:\s+-(?:s\s+\w+|[DT]\s+\S+|[a-zA-Z]\s*\d*)(?=\s|$))*')  # of %timeit and %prun


def without_commands(source):
    """The Python of a cell, on the same lines; the commands that are left out, pairs (line, text); whether it is timed.

    The Python that %time, %timeit and %prun precede stays, and that of a cell below %%time, %%timeit, %%prun and
    %%capture; below another %%name there is none. What is timed by %%timeit must not change variables of other cells.
    """
    python, left_out, is_timed = '', [], False
    while source:
        match = COMMAND.match(source)
        taken = added = match[0] if match else ''.join(next(split(source, '\n')))
        if match:
            indent, signs, name, arguments = match.groups()
            is_first = signs == '%%' and not python.strip()
            if name in ('time', 'timeit', 'prun') or name == 'capture' and is_first:
                added = '' if name == 'capture' else arguments if name == 'time' else OPTIONS.sub('', arguments, 1)
                if name == 'timeit' and not is_first:  # a class has variables of its own, too
                    added = f'class __timeit__: {added.strip() or "pass"}'
                added = indent + added.strip()
                is_timed |= is_first and name == 'timeit'
            elif is_first or signs != '%%':  # otherwise it is an error, as in Jupyter
                left_out.append((1 + python.count('\n'), taken.strip()))
                taken = source if is_first else taken
                added = indent + ('pass' if indent else '#') + '\n' * taken.count('\n')
        python += added
        source = source[len(taken):]
    return python, left_out, is_timed
