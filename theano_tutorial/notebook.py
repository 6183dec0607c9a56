"""The figures of the notebooks."""
import re

import matplotlib.pyplot as plt
import numpy as np

from theano_tutorial import reference

# Blue and orange can be told apart by colour-blind readers; marker and line style differ too.
STYLES = {'plain': dict(color='#0072B2', marker='o', linestyle='-'),
          'denoising': dict(color='#D55E00', marker='s', linestyle='--')}
MODELS = {'plain': 'autoencoder', 'denoising': 'denoising_autoencoder'}  # their names in the record


def compare_pictures(**pictures):
    """Show pictures, uint8 (289, 289), with those of the same name on the page.

    A single picture fills a row, several fill a column each. If any differs, there is a third row or column, where the
    first 40 pixels that differ have circles around them.
    """
    checks = {name: reference.check_picture(f'{name}.png', ours) for name, ours in pictures.items()}
    n_shown = 2 if all(check.matches for check in checks.values()) else 3
    grid = (1, n_shown) if len(pictures) == 1 else (n_shown, len(pictures))
    _, axes = plt.subplots(*grid, figsize=(4 * grid[1], 4.3 * grid[0]), squeeze=False, dpi=100, layout='constrained')
    columns = axes if len(pictures) == 1 else axes.T
    for (name, ours), (here, page, *rest) in zip(pictures.items(), columns):
        check = checks[name]
        print(f'{name}: {check.equal} of {check.total} pixels equal {check.remark}'.rstrip())
        theirs = reference.picture(f'{name}.png')
        here.imshow(ours, cmap='gray', vmin=0, vmax=255)
        here.set_title(f'{name}, here', fontsize=10)
        page.imshow(theirs, cmap='gray', vmin=0, vmax=255)
        page.set_title(f'{name}, the page', fontsize=10)
        for off in rest:
            difference = np.abs(np.asarray(ours, int) - theirs)
            circled = np.argwhere(difference)[:40]
            off.imshow(difference, cmap='gray', vmin=0, vmax=1)
            off.plot(circled[:, 1], circled[:, 0], 'o', color='#E69F00', fillstyle='none', markersize=9)
            off.set_title(f'difference: {check.total - check.equal} of {check.total} pixels', fontsize=10)
    for axis in axes.flat:
        axis.axis('off')
    plt.show()


def show_images(rows, titles):
    """Show images of 28 x 28 pixels in a grid. rows : dict from each row's label to its images, as many as titles"""
    _, axes = plt.subplots(len(rows), len(titles), squeeze=False, dpi=110, layout='constrained',
                           figsize=(0.95 * len(titles), 1.05 * len(rows) + 0.2))
    for line, (label, images) in zip(axes, rows.items()):
        line[0].set_ylabel(label)
        for axis, image in zip(line, images):
            axis.imshow(np.reshape(image, (28, 28)), cmap='gray', vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
    for axis, title in zip(axes[0], titles):
        axis.set_title(title, fontsize=10)
    plt.show()


def show_learning_curves(**costs):
    """Show the mean costs of all epochs of 'plain' and 'denoising', and those that the page printed."""
    _, axes = plt.subplots(1, 2, figsize=(10, 4.2), dpi=100, layout='constrained')
    for model, values in costs.items():
        style = STYLES[model]
        page = [(epoch, float(cost)) for epoch, cost in reference.record()[MODELS[model]]['costs']]
        for axis in axes:
            axis.plot(values, label=f'{model}, here', color=style['color'])
            axis.plot(*zip(*page), style['marker'], color=style['color'], fillstyle='none', label=f'{model}, the page')
    axes[0].set_xscale('symlog', linthresh=1)
    axes[0].set(title='all epochs (logarithmic axis)', ylabel='mean cross-entropy of a digit (nats)',
                xticks=[0, 1, 10, 100], xticklabels=[0, 1, 10, 100], xlim=(-0.1, 220))
    axes[0].legend()
    last = np.concatenate([values[len(values) // 2:] for values in costs.values()])
    axes[1].set(title='second half, enlarged', xlim=(len(values) // 2 - 2, len(values) + 2),
                ylim=(last.min() - 0.5, last.max() + 0.5))
    for axis in axes:
        axis.set_xlabel('epoch')
        axis.grid(alpha=0.3)
    plt.show()


def show_robustness(levels, trained_level, **costs):
    """Show the cross-entropy of 'plain' and 'denoising' against the corruption level of the input."""
    _, axis = plt.subplots(figsize=(8, 4.2), dpi=100, layout='constrained')
    axis.axvline(100 * trained_level, color='0.5', linestyle=':')
    axis.annotate('level in the training\nof the denoising model', (100 * trained_level, 0.85), (8, 0), color='0.3',
                  xycoords=('data', 'axes fraction'), textcoords='offset points')
    for model, values in costs.items():
        axis.plot(100 * levels, values, label=model, **STYLES[model])
    axis.set(xlabel='pixels set to 0 (%)', ylabel='mean cross-entropy of a test digit\n(nats, logarithmic axis)',
             yscale='log', xticks=100 * levels)
    ticks = [75, 100, 150, 200, 300, 400]
    axis.set_yticks(ticks, ticks)
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    axis.legend()
    plt.show()


def show_activations(**hidden):
    """Show histograms of the activations of the hidden units of 'plain' and 'denoising'."""
    _, axis = plt.subplots(figsize=(8, 4.2), dpi=100, layout='constrained')
    for model, values in hidden.items():
        share, edges = np.histogram(values, bins=20, range=(0, 1))
        axis.stairs(100 * share / values.size, edges, color=STYLES[model]['color'], label=model, linewidth=2,
                    linestyle=STYLES[model]['linestyle'], baseline=None)
    axis.set(xlabel='activation y of a hidden unit (no unit; bins of 0.05)', yscale='log',
             ylabel='share of the activations\n(%, logarithmic axis)')
    ticks = [0.5, 1, 2, 5, 10, 20, 50]
    axis.set_yticks(ticks, ticks)
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    axis.legend(loc='upper center')
    plt.show()


def validation_errors(text):
    """The validation errors that a training of the logistic regression printed, in per cent."""
    return [float(error) for error in re.findall('validation error (.+) %', text)]


def show_validation_errors(text):
    """Show the validation error of each epoch, and what the page printed."""
    errors = validation_errors(text)
    page = validation_errors('\n'.join(reference.record()['logistic_mini']['log']))
    _, axis = plt.subplots(figsize=(8, 4), dpi=100, layout='constrained')
    axis.plot(np.arange(1, len(errors) + 1), errors, color='#0072B2', label='here')
    axis.plot(np.arange(1, len(page) + 1), page, 'o', color='#D55E00', fillstyle='none', label='the page')
    best = int(np.argmin(errors))
    axis.annotate('the model that is kept', (best + 1, errors[best]), (0, -24), textcoords='offset points', ha='center',
                  arrowprops=dict(arrowstyle='->'))
    axis.set(xlabel='epoch', ylabel='validation error (%)', ylim=(min(errors) - 1, None))
    axis.grid(alpha=0.3)
    axis.legend()
    plt.show()


def show_predictions(images, labels, classes, probabilities):
    """Show 25 digits with the predicted class and its probability. A wrong one is framed, its label in brackets."""
    _, axes = plt.subplots(5, 5, figsize=(6, 7), dpi=100, layout='constrained')
    for axis, image, label, predicted, probability in zip(axes.flat, images, labels, classes, probabilities):
        axis.imshow(image.reshape(28, 28), cmap='gray', vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[], title=f'{predicted}  {probability:.3f}')
        if predicted != label:
            axis.set_title(f'{predicted}  {probability:.3f}  ({label})')
            for side in axis.spines.values():
                side.set(color='#D55E00', linewidth=3, linestyle='--')
    plt.show()


def show_class_weights(W):
    """Show the weights of each class, a column of W, as an image."""
    limit = np.abs(W).max()
    figure, axes = plt.subplots(2, 5, figsize=(8, 3.8), dpi=100, layout='constrained')
    for digit, axis in enumerate(axes.flat):
        shown = axis.imshow(W[:, digit].reshape(28, 28), cmap='RdBu', vmin=-limit, vmax=limit)
        axis.set(xticks=[], yticks=[], title=str(digit))
    figure.colorbar(shown, ax=axes, label='weight (no unit)')
    plt.show()
