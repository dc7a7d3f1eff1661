"""Draws latency, on a logarithmic scale, against load: one panel a measurement, as SVG; with matplotlib as PNG, too.

A panel is {'title': text, 'x': [Mpps, ...], 'lines': {'p50': [microseconds, ...], ...}}.
"""

import importlib.util
import math
from xml.sax.saxutils import escape

COLUMNS = 2
WIDTH, HEIGHT = 520, 340  # of a panel, in pixels
LEFT, RIGHT, TOP, BOTTOM = 72, 64, 44, 52  # of these, around the plot
COLOURS = ('#0072b2', '#d55e00', '#6a3d9a', '#333333')  # apart for colour-blind eyes, too
DASHES = ('none', '7 3', '2 3', '9 3 2 3')
LABEL_PX = 13  # least distance between two lines' names


def decades(panels):
    """The powers of ten around all values."""
    values = [value for panel in panels for line in panel['lines'].values() for value in line if value > 0] or [1.0]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def ticks(highest):
    """Up to eight round numbers from 0 to the highest."""
    rough = highest / 6
    unit = 10 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough)
    return [step * i for i in range(int(highest / step + 1e-9) + 1)]


def time_text(exponent):
    """10 to that power, in microseconds, with a fit unit."""
    unit, power = next((unit, power) for unit, power in (('s', 6), ('ms', 3), ('µs', 0), ('ns', -3))
                       if exponent >= power or unit == 'ns')
    return f'{10 ** (exponent - power):g} {unit}'


def text(x, y, words, anchor='start', size=12, colour='#222222', extra=''):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"{extra}>'
            f'{escape(words)}</text>')


def spread(wanted):
    """Places for the lines' names: as wanted, but apart."""
    places = {}
    at = -math.inf
    for name, y in sorted(wanted.items(), key=lambda item: item[1]):
        at = max(y, at + LABEL_PX)
        places[name] = at
    return places


def draw_panel(panel, low, high):
    """One panel with its corner at 0, 0."""
    plot_width, plot_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    highest = max(panel['x']) or 1.0

    def x_of(load):
        return LEFT + plot_width * load / highest

    def y_of(value):
        return TOP + plot_height * (high - math.log10(max(value, 10 ** low))) / (high - low)

    out = [text(LEFT, TOP - 18, panel['title'], size=14, extra=' font-weight="bold"')]
    for exponent in range(low, high + 1):
        y = y_of(10 ** exponent)
        out.append(f'<line x1="{LEFT}" x2="{LEFT + plot_width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#cccccc"/>')
        out.append(text(LEFT - 8, y + 4, time_text(exponent), 'end'))
    for load in ticks(highest):
        x = x_of(load)
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{TOP + plot_height}" stroke="#eeeeee"/>')
        out.append(text(x, TOP + plot_height + 18, f'{load:g}', 'middle'))
    out.append(f'<rect x="{LEFT}" y="{TOP}" width="{plot_width}" height="{plot_height}" fill="none" stroke="#666666"/>')
    out.append(text(LEFT + plot_width / 2, HEIGHT - 14, 'load, Mpps', 'middle'))
    out.append(text(18, TOP + plot_height / 2, 'latency', 'middle',
                    extra=f' transform="rotate(-90 18 {TOP + plot_height / 2:.1f})"'))
    names = spread({name: y_of(line[-1]) for name, line in panel['lines'].items()})
    for (name, line), colour, dash in zip(panel['lines'].items(), COLOURS, DASHES):
        points = [(x_of(load), y_of(value)) for load, value in zip(panel['x'], line)]
        way = ' '.join(f'{x:.1f},{y:.1f}' for x, y in points)
        out.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2" '
                   f'stroke-dasharray="{dash}"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        out.append(text(LEFT + plot_width + 8, names[name] + 4, name, colour=colour, extra=' font-weight="bold"'))
    return out


def to_svg(title, panels):
    """All panels on white, side by side."""
    columns = max(1, min(COLUMNS, len(panels)))
    width, height = columns * WIDTH, 36 + math.ceil(len(panels) / columns) * HEIGHT
    low, high = decades(panels)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
           'font-family="Helvetica, Arial, sans-serif">',
           f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
           text(LEFT, 26, title, size=15)]
    for number, panel in enumerate(panels):
        out.append(f'<g transform="translate({number % columns * WIDTH} {36 + number // columns * HEIGHT})">')
        out += draw_panel(panel, low, high)
        out.append('</g>')
    return '\n'.join([*out, '</svg>']) + '\n'


def can_draw_png():
    return importlib.util.find_spec('matplotlib') is not None


def write_png(path, title, panels):
    """The same by matplotlib, where that is installed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # only where it is there
    from matplotlib.figure import Figure
    columns = max(1, min(COLUMNS, len(panels)))
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(5.2 * columns, 3.4 * rows + 0.4), layout='constrained')
    figure.suptitle(title)
    low, high = decades(panels)
    for number, panel in enumerate(panels, 1):
        axes = figure.add_subplot(rows, columns, number, title=panel['title'], yscale='log', xlabel='load, Mpps',
                                  ylabel='latency, µs')
        for (name, line), colour in zip(panel['lines'].items(), COLOURS):
            axes.plot(panel['x'], line, marker='o', color=colour, label=name)
        axes.set_ylim(10 ** low, 10 ** high)
        axes.set_xlim(left=0)
        axes.grid(which='major', color='#dddddd')
        axes.legend()
    FigureCanvasAgg(figure).print_png(str(path))
