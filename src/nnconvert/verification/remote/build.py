"""Find a recipe for a class on its old version: hints, then the file's conventions, then guesses."""

from __future__ import annotations

import base64
import importlib.util
import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

from torch import nn

from .constructors import constructor_arguments, optional_parameters, required_parameters, unguessable
from .conventions import Example, examples
from .failure import MEMORY_REASON, words
from .feeding import Queue
from .fitting import prepare_fitting
from .inputs import Feed, extended
from .log import Log
from .patience import TooSlowError, limited
from .project import examples_elsewhere
from .reach import changed_statements, reached
from .reading import has_forward
from .rebuilt import progress, rebuilt
from .recipe import Namespace, Recipe
from .running import randomise
from .said import Given, NotBuiltError, given, not_built, require_expressions
from .trial import Trial
from .written import is_large

CONSTRUCTS = 80
REBUILT = 24
"""Calls tried for one that could not be built, itself counted, and ..."""
DEEP = 4
"""... how often one is changed; once, or twice, where it could be built, as each costs a search for inputs."""
ELSEWHERE = 6
"""Examples outside the file that are tried."""
FEEDS = 120
FURTHER_FEEDS = 10
"""Feeds tried after one that works without reaching every call site."""
ENOUGH = 2
"""Feeds that are too large, after which a class is."""
LARGE_BUILDS = 6
"""The same for what is built."""
HEAVY = 3
"""Examples that are too large or too slow to build, after which other arguments are guessed."""
SECONDS = 30.0
TRY = 1 / 5
"""Of the time for a search, what one try may take, to build or to run."""
SLOW = 2.0
"""Seconds of one attempt from which on a model is run with one shape only."""


def find_recipe(module: ModuleType, cls: type, job: dict[str, Any], log: Log | None = None) -> Recipe:
    """The first recipe whose forward runs in eval and in train mode. Raises NotBuiltError."""
    if not has_forward(cls):
        raise NotBuiltError("the class has no forward")
    return RecipeSearch(module, cls, job, given(module, cls, job), log).run()


class RecipeSearch:
    """One class on the way to its recipe; remembers why the last attempts failed."""

    def __init__(self, module: ModuleType, cls: type, job: dict[str, Any], said: Given, log: Log | None = None) -> None:
        self.module = module
        self.cls = cls
        self.said = said
        self.log = log
        self.seed: int = job["seed"]
        self.memory: int = job["memory"]
        self.text = importlib.util.decode_source(base64.b64decode(job["source"]))
        self.folders, self.around = [job["search"][0], job["search"][-1]], job["around"]
        self.seconds = min(SECONDS, job["time"] / 4)
        self.deadline = 0.0
        """In processor time, not by the clock: a busy machine must not change what is found, but ..."""
        self.latest = time.monotonic() + job["time"] / 2
        """... where it is so busy that the process would be ended, what was found is better than nothing."""
        self.wanted = changed_statements(self.text, cls.__qualname__, job["changed"])
        self.watched = str(module.__file__)
        """The file whose statements these are."""
        self.was_built = False
        """Whether the last example gave a model, whatever forward made of it."""
        self.tried: set[tuple[tuple[str, ...], str, tuple[str, ...]]] = set()
        """Examples that were tried, and, without inputs, the models that feeds were searched for: one search of a model
        finds what another one would, and there is time for something else."""
        self.best: Recipe | None = None
        self.reached = 0
        """How many of the changed statements the best recipe runs."""
        self.construct_error = ""
        self.error: BaseException | None = None
        """What the last attempt raised, and ..."""
        self.progress = 0
        """... how far it came before: lines of the file and calls of modules."""
        self.furthest: tuple[tuple[int, bool], BaseException | None] = ((0, False), None)
        """Of the model as it was built last, the error of forward that came furthest; of several, one about None."""
        self.first_feed_error = ""
        self.large_builds = self.heavy_builds = self.too_large = 0
        self.ran = 0
        """How many of the changed statements the last run that worked has run."""

    def run(self) -> Recipe:
        require_expressions(self.said, self.module)
        for constructs, count in ((self.constructs(), CONSTRUCTS), (self.elsewhere(), ELSEWHERE)):
            self.deadline = time.process_time() + self.seconds
            for example in itertools.islice(self.with_rebuilt(constructs), count):
                if self.is_over(self.deadline):
                    break
                self.try_construct(example)
                if self.best is not None:
                    if self.reached == len(self.wanted):
                        return self.best
                    # It works, but does not reach every call site: look on for a while.
                    self.deadline = min(self.deadline, time.process_time() + self.seconds / 4)
            if self.best is not None:
                return self.best
        raise self.not_built()

    def is_over(self, deadline: float) -> bool:
        late = time.process_time() > deadline or time.monotonic() > self.latest
        return late or self.too_large >= ENOUGH

    def with_rebuilt(self, constructs: Iterator[Example]) -> Iterator[Example]:
        """Each of these, and after one that could not be built what its exception asks for."""
        optional = optional_parameters(self.cls, vars(self.module))
        for example in constructs:
            pending = [(0, 0, example, "")]
            count = 0
            while pending and count < REBUILT:
                depth, _, current, before = pending.pop(0)
                if self.was_tried(current.setup, current.construct, current.inputs):
                    continue
                count += 1
                self.error = None
                yield current
                if (
                    self.error is None
                    or self.said.args is not None
                    or current.setup
                    or depth < -(1 if self.was_built else DEEP)
                ):
                    continue
                if words(self.error) == before:
                    continue  # the change was of no use
                for text in rebuilt(current.construct, self.error, optional, self.was_built):
                    changed = replace(current, construct=text, source="what its exceptions ask for")
                    pending.append((depth - 1, -progress(self.error), changed, words(self.error)))
                pending.sort(key=lambda item: item[1])

    def was_tried(self, setup: tuple[str, ...], construct: str, inputs: tuple[str, ...]) -> bool:
        """Also notes it."""
        known = len(self.tried)
        self.tried.add((setup, construct, inputs))
        return len(self.tried) == known

    def keep(self, recipe: Recipe, count: int) -> None:
        """Take the recipe if it reaches more than those before."""
        if self.best is None or count > self.reached:
            self.best, self.reached = recipe, count

    def elsewhere(self) -> Iterator[Example]:
        """Examples in the project's tests and readme, if nothing was said."""
        if self.said.args is None and self.said.inputs is None:
            yield from examples_elsewhere(self.folders, self.cls.__qualname__, self.module.__name__, self.around)

    def constructs(self) -> Iterator[Example]:
        name = self.cls.__qualname__
        if self.said.args is not None:
            yield Example(self.said.source, (), f"{name}({self.said.args})")
            return
        names = set(vars(self.module)) | {"torch", "nn"}
        if "get_inputs" in names:
            args = "*get_init_inputs()" if "get_init_inputs" in names else ""
            yield Example("get_inputs()", (), f"{name}({args})", ("*get_inputs()",))
        yield from itertools.takewhile(lambda _: self.heavy_builds < HEAVY, examples(self.text, name, names))
        for source, arguments in constructor_arguments(self.cls, vars(self.module)):
            yield Example(source, (), f"{name}({arguments})")

    def try_construct(self, example: Example) -> None:
        """Build by the example, and keep what can be fed."""
        self.furthest = ((0, False), None)
        self.was_built = False
        try:
            recipe = Recipe(example.source, example.setup, example.construct, ("",))
            with limited(self.seconds * TRY):
                model, names = self.build(recipe)
        except (Exception, SystemExit, TooSlowError) as error:  # the user's code may raise anything; on with the next
            self.construct_error = self.construct_error or f"{example.construct}: {words(error)}"
            self.error = error
            self.heavy_builds += words(error) == MEMORY_REASON or isinstance(error, TooSlowError)
            if words(error) == MEMORY_REASON:
                self.note_too_large()
            return
        if type(model) is not self.cls:
            return
        self.was_built = True
        for text in self.texts(example):
            accepted = self.attempt(model, names, replace(recipe, inputs=(text,)))
            if accepted is not None:
                self.keep(accepted, self.ran)
                return
        if isinstance(self.error, TooSlowError):
            return  # what stands in the file takes too long: a smaller model is to be tried, not smaller inputs
        if self.said.inputs is None and not (example.inputs and self.was_tried(example.setup, example.construct, ())):
            self.search_feeds(model, names, recipe)
        self.error = self.furthest[1] if self.best is None else None

    def note_too_large(self) -> None:
        """Where arguments are guessed, smaller ones are tried; else these would be of another model.

        Of what does not fit, the graph may still say something.
        """
        self.large_builds += 1
        most = LARGE_BUILDS if required_parameters(self.cls) else LARGE_BUILDS // 2
        if self.said.args is not None or self.large_builds == most:
            self.too_large = ENOUGH

    def build(self, recipe: Recipe) -> tuple[nn.Module, Namespace]:
        """The model, off its start, and the names that its inputs are evaluated in."""
        model, names = prepare_fitting(self.module, recipe, self.seed, self.memory)
        if isinstance(model, self.cls):
            randomise(model, self.seed)
        return model, names

    def texts(self, example: Example) -> tuple[str, ...]:
        if self.said.inputs is not None:
            return (self.said.inputs,)
        return example.inputs

    def search_feeds(self, model: nn.Module, names: Namespace, recipe: Recipe) -> None:
        queue = Queue(model)
        count, most = 0, FEEDS
        # Another way to build it must have its turn, too.
        until = min(self.deadline, time.process_time() + self.seconds / 2)
        while count < most and not self.is_over(min(until, self.deadline)):
            feed = queue.take()
            if feed is None:
                return
            count += 1
            started = time.process_time()
            accepted = self.attempt(model, names, replace(recipe, inputs=(feed.text(),), guessed=True))
            slow = time.process_time() - started > SLOW
            if accepted is None:
                if self.error is not None:
                    queue.failed(feed, self.error, self.progress)
                continue
            if self.best is None or self.ran > self.reached:
                ran = self.ran
                self.keep(accepted if slow else self.with_second(model, names, accepted, feed), ran)
            if slow or self.reached == len(self.wanted):
                return
            if most == FEEDS:
                most = count + FURTHER_FEEDS
                queue.first(extended(model, feed))

    def with_second(self, model: nn.Module, names: Namespace, recipe: Recipe, feed: Feed) -> Recipe:
        """Add another shape and range of values for the second call, if one works."""
        for variation in feed.variations():
            if self.attempt(model, names, replace(recipe, inputs=(variation.text(),))) is not None:
                return replace(recipe, inputs=(*recipe.inputs, variation.text()))
        return recipe

    def attempt(self, model: nn.Module, names: Namespace, recipe: Recipe) -> Recipe | None:
        """Run forward in eval and train mode; with inputs that need no gradient, where others are refused."""
        if self.log is not None and not self.log.may_try(f"{recipe.construct}: {recipe.inputs[0]}"):
            return None
        for gradients in (True, False):
            candidate = replace(recipe, input_gradients=gradients)
            self.error, trial = None, self.trial()
            try:
                with limited(self.seconds * TRY):
                    trial.run(model, names, candidate, self.seed)
            except (Exception, SystemExit, TooSlowError) as error:  # as above: the next candidate follows
                self.error, self.progress = error, trial.progress
                came = (trial.progress, "NoneType" in str(error))
                self.furthest = (came, error) if came > self.furthest[0] else self.furthest
                self.first_feed_error = self.first_feed_error or f"{recipe.inputs[0]}: {words(error)}"
                self.too_large += words(error) == MEMORY_REASON and not (recipe.guessed and is_large(recipe.inputs[0]))
                if "grad" not in str(error):
                    return None
            else:
                self.ran = reached(self.wanted, trial.lines)
                return candidate
        return None

    def trial(self) -> Trial:
        return Trial(self.watched)

    def not_built(self) -> NotBuiltError:
        is_large = self.too_large >= ENOUGH or self.large_builds > 0
        unknown = [] if is_large or self.said.args is not None else unguessable(self.cls, vars(self.module))
        key = f"{self.module.__name__}:{self.cls.__qualname__}"
        return not_built(key, self.said, is_large, unknown, self.construct_error, self.first_feed_error)
