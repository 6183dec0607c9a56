"""The figures of notebooks/claims.ipynb, from the rows of the CSV files."""
import matplotlib.pyplot as plt
import numpy as np

from experiments import results
from utils import tile_raster_images

# Colours that colour-blind readers can tell apart; the markers differ, too.
STYLES = {'raw': dict(color='0.4', linestyle='-.'),
          'pca': dict(color='#009E73', marker='^'),
          'random': dict(color='#009E73', marker='^'),
          'plain': dict(color='#0072B2', marker='o'),
          'denoising': dict(color='#D55E00', marker='s'),
          'denoising 0.5': dict(color='#CC79A7', marker='D'),
          'denoising 0.7': dict(color='#E69F00', marker='v')}


def by_name(rows):
    """(name, its rows, how its curve is drawn) for each name: dashed if its input has not the scale of its training."""
    for name in dict.fromkeys(row['name'] for row in rows):
        model = name.removesuffix(', rescaled')
        scaled = {f'{model}, rescaled', name} <= {row['name'] for row in rows} and name == model
        yield name, results.select(rows, name=name), dict(linestyle='--' if scaled else '-') | STYLES[model]


def draw(axis, rows, x, measure, label, style, scale=1):
    """Draw the mean of a measure against column x, with its 95 % interval where there are several runs."""
    points = [(values[0], *results.mean([scale * row[measure] for row in group]))
              for values, group in results.groups(rows, [x]).items()]
    at, means, halves = zip(*points)
    axis.errorbar(at, means, yerr=np.nan_to_num(halves), capsize=3, markersize=4, label=label, **style)


def finish(axes, x, ticks=None):
    """Label the x axes, with the given ticks on a logarithmic scale; add grids and, below, the legend of the first."""
    for axis in np.ravel(axes):
        if ticks:
            axis.set_xscale('log')
            axis.set_xticks(ticks, ticks)
            axis.minorticks_off()
        axis.set_xlabel(x)
        axis.grid(alpha=0.3)
    first = np.ravel(axes)[0]
    first.get_figure().legend(*first.get_legend_handles_labels(), loc='outside lower center', ncols=4)
    plt.show()


def show_compression(rows):
    """Squared error and cross-entropy of the test images against the number of dimensions."""
    _, axes = plt.subplots(1, 2, figsize=(10, 4.2), dpi=100, layout='constrained')
    for name, group, style in by_name(rows):
        for axis, measure in zip(axes, ('test_squared_error', 'test_cost')):
            draw(axis, group, 'n_hidden', measure, name, style)
    axes[0].set(yscale='log', ylabel='mean squared error of a pixel\n(logarithmic axis)')
    ticks = [0.002, 0.005, 0.01, 0.02, 0.05]
    axes[0].set_yticks(ticks, ticks)
    axes[1].set(ylabel='mean cross-entropy of a digit (nats)')
    finish(axes, 'dimensions (logarithmic axis)', sorted({row['n_hidden'] for row in rows}))


def show_features(rows):
    """Test error of a logistic regression on the features against the number of dimensions."""
    _, axis = plt.subplots(figsize=(8, 4.2), dpi=100, layout='constrained')
    for name, group, style in by_name(rows):
        if name == 'raw':
            axis.axhline(100 * group[0]['test_probe_error'], label='raw pixels (784)', **style)
        else:
            draw(axis, group, 'n_hidden', 'test_probe_error', name, style, 100)
    axis.set(yscale='log', ylabel='test error (%, logarithmic axis)')
    ticks = [5, 10, 20, 50]
    axis.set_yticks(ticks, ticks)
    finish(axis, 'dimensions (logarithmic axis)', sorted({row['n_hidden'] for row in rows if row['n_hidden']}))


def show_start(rows):
    """Validation error by epoch for each start, in a panel for each kind of network."""
    panels = results.groups([row for row in rows if row['epoch']], ['n_labels', 'n_layers'])
    _, axes = plt.subplots(1, len(panels), figsize=(4 * len(panels), 4), dpi=100, layout='constrained', sharey=True)
    for axis, ((n_labels, n_layers), panel) in zip(axes, panels.items()):
        for name, group, style in by_name(panel):
            draw(axis, group, 'epoch', 'valid_error', name, style, 100)
        axis.set_title(f'{n_labels} labels, {n_layers} hidden layer{"s" if n_layers > 1 else ""}', fontsize=10)
    axes[0].set(yscale='log', ylabel='validation error (%, logarithmic axis)')
    ticks = [8, 10, 15, 20, 30, 50]
    axes[0].set_yticks(ticks, ticks)
    finish(axes, 'epoch with labels (logarithmic axis)', [1, 2, 5, 10, 20, 50])


def show_size(rows):
    """Cost, probe error and correlation with the initial weights against the number of hidden units."""
    _, axes = plt.subplots(1, 3, figsize=(12, 4), dpi=100, layout='constrained')
    for name, group, style in by_name(rows):
        draw(axes[0], group, 'n_hidden', 'test_cost', name, style)
        draw(axes[1], group, 'n_hidden', 'test_probe_error', name, style, 100)
        if not name.endswith('rescaled'):  # the weights are the same
            draw(axes[2], group, 'n_hidden', 'correlation', name, style | {'linestyle': '-'})
    axes[0].set_ylabel('cross-entropy of a test digit (nats)')
    axes[1].set(ylabel='test error of the probe (%)', ylim=(0, None))
    axes[2].set(ylabel="median correlation of a unit's weights\nwith its initial weights", ylim=(0, 1))
    finish(axes, 'hidden units (logarithmic axis)', sorted({row['n_hidden'] for row in rows}))


def show_ablation(rows):
    """The growth of the cost without a quarter of the units: those that changed least, and those that changed most."""
    names = 'plain', 'denoising', 'denoising, rescaled'
    _, axes = plt.subplots(1, len(names), figsize=(12, 4), dpi=100, layout='constrained', sharey=True)
    for axis, name in zip(axes, names):
        group = results.select(rows, name=name)
        for which, style in ('unmoved', 'plain'), ('moved', 'denoising'):
            growth = [row | {'growth': row[f'test_cost_without_{which}'] - row['test_cost']} for row in group]
            label = f'without the quarter that changed {"least" if which == "unmoved" else "most"}'
            draw(axis, growth, 'n_hidden', 'growth', label, STYLES[style])
        axis.set_title(name, fontsize=10)
    axes[0].set_ylabel('growth of the cross-entropy\nof a test digit (nats)')
    finish(axes, 'hidden units (logarithmic axis)', sorted({row['n_hidden'] for row in rows}))


def show_filters(**models):
    """Filters sorted by their correlation with the initial weights, the smallest first, ten in a row.

    models : pairs (initial weights, final weights), each (784, n)
    """
    _, axes = plt.subplots(1, len(models), figsize=(5 * len(models), 5.4), dpi=100, layout='constrained')
    for axis, (name, (initial, final)) in zip(np.ravel(axes), models.items()):
        correlations = np.array([np.corrcoef(*pair)[0, 1] for pair in zip(initial.T, final.T)])
        order = np.argsort(correlations)
        image = tile_raster_images(final.T[order], (28, 28), (len(order) // 10, 10), (1, 1))
        axis.imshow(image, cmap='gray')
        axis.axis('off')
        axis.set_title(f'{name}: correlation {correlations.min():.2f} (top left) to {correlations.max():.2f}',
                       fontsize=10)
    plt.show()


def show_clearness(rows, levels):
    """Sharpness and squared error of the reconstructions against the noise in the input."""
    _, axes = plt.subplots(1, 2, figsize=(10, 4.2), dpi=100, layout='constrained')
    for name, group, style in by_name(rows):
        points = [{'level': 100 * level, 'sharpness': 100 * row[f'test_sharpness_{level}'],
                   'error': row[f'test_squared_error_{level}']} for level in levels for row in group]
        draw(axes[0], points, 'level', 'sharpness', name, style)
        draw(axes[1], points, 'level', 'error', name, style)
    axes[0].set_ylabel('sharpness (% of the original images)')
    axes[1].set_ylabel('mean squared error of a pixel')
    finish(axes, 'pixels of the input set to 0 (%)')
