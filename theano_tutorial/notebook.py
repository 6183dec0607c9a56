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
    """Show pictures, uint8 (289, 289), and say how many pixels are equal in those of the same name on the page.

    If any differs, a second and a third row show the page's and the difference, where the first 40 pixels that differ
    have circles around them.
    """
    checks = {name: reference.check_picture(f'{name}.png', ours) for name, ours in pictures.items()}
    n_shown = 1 if all(check.matches for check in checks.values()) else 3
    side, gap = 5.78, 0.3  # inches: a pixel of a picture is 2 x 2 pixels of the figure
    height = n_shown * (side + gap)
    _, axes = plt.subplots(n_shown, len(pictures), figsize=(len(pictures) * (side + gap) - gap, height), squeeze=False,
                           dpi=100, gridspec_kw=dict(left=0, right=1, bottom=0, top=1 - gap / height,
                                                     wspace=gap / side, hspace=gap / side))
    for (name, ours), (here, *rest) in zip(pictures.items(), axes.T):
        check = checks[name]
        print(f'{name}: {check.equal} of {check.total} pixels equal {check.remark}'.rstrip())
        here.imshow(ours, cmap='gray', vmin=0, vmax=255)
        here.set_title(name if check.equal == check.total else f'{name}, here')
        if rest:
            page, off = rest
            theirs = reference.picture(f'{name}.png')
            page.imshow(theirs, cmap='gray', vmin=0, vmax=255)
            page.set_title(f'{name}, the page')
            difference = np.abs(np.asarray(ours, int) - theirs)
            circled = np.argwhere(difference)[:40]
            off.imshow(difference, cmap='gray', vmin=0, vmax=1)
            off.plot(circled[:, 1], circled[:, 0], 'o', color='#E69F00', fillstyle='none', markersize=9)
            off.set_title(f'difference: {check.total - check.equal} of {check.total} pixels')
    for axis in axes.flat:
        axis.axis('off')
    plt.show()


def show_images(rows, titles):
    """Show images of 28 x 28 pixels in a grid. rows : dict from each row's label to its images, as many as titles"""
    _, axes = plt.subplots(len(rows), len(titles), squeeze=False, dpi=110, layout='constrained',
                           figsize=(1.05 * len(titles) + 0.3, 1.1 * len(rows) + 0.3))
    for line, (label, images) in zip(axes, rows.items()):
        line[0].set_ylabel(label)
        for axis, image in zip(line, images):
            axis.imshow(np.reshape(image, (28, 28)), cmap='gray', vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
    for axis, title in zip(axes[0], titles):
        axis.set_title(title, fontsize=10)
    plt.show()


def show_filters(**weights):
    """Show the weights of the first five hidden units of each model, W (784, n_hidden), with white at 0."""
    limit = max(np.percentile(np.abs(W[:, :5]), 99) for W in weights.values())
    figure, axes = plt.subplots(len(weights), 5, figsize=(11, 2.2 * len(weights)), squeeze=False, dpi=100,
                                layout='constrained')
    for line, (model, W) in zip(axes, weights.items()):
        line[0].set_ylabel(model)
        for k, axis in enumerate(line):
            shown = axis.imshow(W[:, k].reshape(28, 28), cmap='RdBu', vmin=-limit, vmax=limit)
            axis.set(xticks=[], yticks=[], title=f'unit {k}')
    figure.colorbar(shown, ax=axes, label='weight', extend='both')
    plt.show()


def show_learning_curves(costs, test_costs):
    """Show the mean costs of all epochs on the training and on the test images, and those that the page printed.

    costs, test_costs : dicts from 'plain' and 'denoising' to a number for each epoch
    """
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), dpi=100, layout='constrained')
    for model in costs:
        color = STYLES[model]['color']
        page = [(epoch, float(cost)) for epoch, cost in reference.record()[MODELS[model]]['costs']]
        for axis in axes:
            axis.plot(costs[model], color=color, label=f'{model}, training images')
            axis.plot(test_costs[model], color=color, linestyle=':', linewidth=2, label=f'{model}, test images')
            axis.plot(*zip(*page), STYLES[model]['marker'], color=color, fillstyle='none', label=f'{model}, the page')
    axes[0].set_xscale('symlog', linthresh=1)
    axes[0].set(title='all epochs (logarithmic axis)', ylabel='mean cross-entropy of a digit (nats)',
                xticks=[0, 1, 10, 100], xticklabels=[0, 1, 10, 100], xlim=(-0.1, 220))
    n_epochs = len(costs[model])
    last = np.concatenate([values[n_epochs // 2:] for values in (*costs.values(), *test_costs.values())])
    axes[1].set(title='second half, enlarged', xlim=(n_epochs // 2 - 2, n_epochs + 2),
                ylim=(last.min() - 0.5, last.max() + 0.5))
    figure.legend(*axes[0].get_legend_handles_labels(), loc='outside lower center', ncols=2)
    for axis in axes:
        axis.set_xlabel('epoch')
        axis.grid(alpha=0.3)
    plt.show()


def show_robustness(levels, as_is, rescaled):
    """Show the cross-entropy of 'plain' and 'denoising' against the corruption level of the input.

    as_is, rescaled : dicts from the models to a number for each level, for the input as it is and at training's scale
    """
    _, axis = plt.subplots(figsize=(9, 5), dpi=100, layout='constrained')
    for scale, losses, linestyle in (('input as it is', as_is, '--'), ('rescaled input', rescaled, '-')):
        for model, values in losses.items():
            axis.plot(100 * levels, values, label=f'{model}, {scale}', **STYLES[model] | dict(linestyle=linestyle))
    axis.set(xlabel='pixels set to 0 (%)', ylabel='mean cross-entropy of a test digit\n(nats, logarithmic axis)',
             yscale='log', xticks=100 * levels)
    ticks = [75, 100, 150, 200, 300, 400]
    axis.set_yticks(ticks, ticks)
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    axis.legend()
    plt.show()


def validation_errors(text):
    """The validation errors that a training of the logistic regression printed, in per cent."""
    return [float(error) for error in re.findall('validation error (.+) %', text)]


def show_validation_errors(text):
    """Show the validation error of each epoch, and what the page printed."""
    errors = validation_errors(text)
    page = validation_errors('\n'.join(reference.record()['logistic_mini']['log']))
    _, axis = plt.subplots(figsize=(9, 4.5), dpi=100, layout='constrained')
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
    _, axes = plt.subplots(5, 5, figsize=(8, 9.2), dpi=100, layout='constrained')
    for axis, image, label, predicted, probability in zip(axes.flat, images, labels, classes, probabilities):
        axis.imshow(image.reshape(28, 28), cmap='gray', vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[], title=f'{predicted}  {probability:.3f}')
        if predicted != label:
            axis.set_title(f'{predicted}  {probability:.3f}  ({label})')
            for side in axis.spines.values():
                side.set(color='#D55E00', linewidth=3, linestyle='--')
    plt.show()


def show_class_weights(W):
    """Show the weights of each class, a column of W, as an image with white at 0."""
    limit = np.abs(W).max()
    figure, axes = plt.subplots(2, 5, figsize=(11, 4.6), dpi=100, layout='constrained')
    for digit, axis in enumerate(axes.flat):
        shown = axis.imshow(W[:, digit].reshape(28, 28), cmap='RdBu', vmin=-limit, vmax=limit)
        axis.set(xticks=[], yticks=[], title=str(digit))
    figure.colorbar(shown, ax=axes, label='weight')
    plt.show()


def show_contributions(image, maps):
    """Show an image of 784 pixels, and beside it arrays of 784 numbers with white at 0. maps : dict, title to array"""
    limit = max(np.abs(values).max() for values in maps.values())
    figure, (first, *others) = plt.subplots(1, 1 + len(maps), figsize=(11, 3.6), dpi=100, layout='constrained')
    first.imshow(image.reshape(28, 28), cmap='gray', vmin=0, vmax=1)
    first.set_title('image')
    for axis, (title, values) in zip(others, maps.items()):
        shown = axis.imshow(values.reshape(28, 28), cmap='RdBu', vmin=-limit, vmax=limit)
        axis.set_title(title)
    for axis in (first, *others):
        axis.set(xticks=[], yticks=[])
    figure.colorbar(shown, ax=others)
    plt.show()
