"""A script that a user changed: it prints its arguments, and raises the error that --dataset contains."""
from theano_tutorial import command_line


def main(dataset='none', epochs=2, learning_rate=0.5, momentum=0., nesterov=True, checkpoint=None, output_dir='.'):
    """What a user wrote."""
    print(dataset, epochs, learning_rate, momentum, nesterov, checkpoint and (checkpoint.path, checkpoint.settings))
    if dataset == 'interrupted inside':
        raise SystemError('as Numba does') from KeyboardInterrupt()
    if dataset != 'none':
        raise eval(dataset)


command_line.run(main)
