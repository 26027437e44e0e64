"""Every reason to leave a call site: its code, what it means, why it matters, what a person can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    name: str
    summary: str
    """One sentence."""
    why: str
    remedy: str
    example: str


_ROWS: Final = (
    # -- which name is it, whose self is it ---------------------------------------------------------------------
    Reason(
        "NNC101",
        "name-rebound",
        "The name does not certainly stand for torch here.",
        "A parameter, a local, a loop variable or a second import binds the same name in a scope between the import "
        "and the call, so the call may be of something else.",
        "Rename the other one, or import torch.nn.functional under a name of its own.",
        "F = x.shape[1]\nreturn F.relu(x)",
    ),
    Reason(
        "NNC102",
        "star-import",
        "The name may come from, or be replaced by, a star import of a file that is not known.",
        "Only reading that file could tell what the name stands for.",
        "Import the name explicitly, after the star import.",
        "from layers import *\n...\nreturn F.relu(x)",
    ),
    Reason(
        "NNC103",
        "free-function",
        "The call stands in a free function or at module level: there is no self to register a submodule on.",
        "A submodule belongs to an instance of a module class.",
        "Move the function into the class as a method, if you want the operation to be visible.",
        "def block(x):\n    return F.relu(x)",
    ),
    Reason(
        "NNC104",
        "not-a-module-class",
        "The class is not a module class.",
        "Submodules can be registered on classes derived from nn.Module only.",
        "Derive the class from nn.Module, if it is meant to be one.",
        "class Loss:\n    def __call__(self, x):\n        return F.relu(x)",
    ),
    Reason(
        "NNC105",
        "unknown-base",
        "A base of the class is not known here, so neither is what it does with submodules and names.",
        "The base may be no module class, may be a container, and may use the name or walk over its children.",
        "Name the base in the configuration, if it derives from nn.Module and does neither: "
        'module-bases = ["package.module.Base"] under [tool.nnconvert].',
        "from .base import BaseNet\n\nclass Net(BaseNet):\n    def forward(self, x):\n        return F.relu(x)",
    ),
    Reason(
        "NNC106",
        "no-instance",
        "The call does not run with an instance: a static or class method, a decorator, a default value, a class body.",
        "There is no self whose submodule could be called.",
        "Make it an ordinary method.",
        "@staticmethod\ndef act(x):\n    return F.relu(x)",
    ),
    Reason(
        "NNC107",
        "in-init",
        "The call stands in __init__, which runs once, at construction.",
        "A submodule registered for it would never be called again.",
        "Nothing needs to be done.",
        "def __init__(self, w):\n    self.w = F.softmax(w, dim=0)",
    ),
    Reason(
        "NNC108",
        "self-hidden",
        "The method's self is not certainly visible at the call.",
        "A nested function or the method itself binds that name again.",
        "Give the other variable another name.",
        "def inner(self, x):\n    return F.relu(x)",
    ),
    Reason(
        "NNC109",
        "passed-as-value",
        "The functional is not called here but handed on as a value.",
        "Its other uses (a dict, an argument, a default) are not all known.",
        "Hand on a module instance instead.",
        "acts = {'relu': F.relu}",
    ),
    Reason(
        "NNC110",
        "borrowed-method",
        "A method of the class is used on other objects, or a subclass skips the class's __init__.",
        "Such an object would not have the new submodule.",
        "Call super().__init__() in the subclass, or inherit instead of borrowing the method.",
        "class Sub(Net):\n    def __init__(self):\n        nn.Module.__init__(self)",
    ),
    Reason(
        "NNC111",
        "in-f-string",
        "The call stands inside an f-string.",
        "Python gives no exact positions there before 3.12.",
        "Compute the value before the f-string.",
        "print(f'{F.relu(x)}')",
    ),
    # -- what it is built with ----------------------------------------------------------------------------------
    Reason(
        "NNC201",
        "unpacked-arguments",
        "The call passes *args or **kwargs.",
        "Which of them are settings is known at run time only.",
        "Write the arguments out.",
        "F.max_pool2d(x, *self.pool_args)",
    ),
    Reason(
        "NNC202",
        "no-counterpart",
        "An argument has no counterpart in the module class.",
        "The module would compute something else without it.",
        "Drop the argument, if it is not needed (a cast can be written before or after the call).",
        "F.softmax(x, dim=-1, dtype=torch.float32)",
    ),
    Reason(
        "NNC203",
        "setting-may-change",
        "A setting may change between construction and call.",
        "The submodule is built once; the functional reads the value at every call.",
        "Assign the attribute once, unconditionally, in __init__.",
        "def set_p(self, p):\n    self.p = p",
    ),
    Reason(
        "NNC204",
        "depends-on-input",
        "A setting depends on the arguments of the call.",
        "A submodule is built before the input is known.",
        "Nothing needs to be done; or fix the value at construction, if it is always the same.",
        "F.interpolate(x, size=y.shape[2:])",
    ),
    Reason(
        "NNC205",
        "local-setting",
        "A setting is a local variable, a loop variable or a variable of a function around the class.",
        "Its value at construction is not known to be the one at the call.",
        "Store the value on self in __init__.",
        "for k in self.sizes:\n    x = F.max_pool2d(x, k)",
    ),
    Reason(
        "NNC206",
        "setting-is-state",
        "A setting is a tensor, a parameter, a buffer or a submodule.",
        "Given to a constructor it could register a key in the state_dict.",
        "Use a plain number, if it is not trained.",
        "F.softplus(x, self.beta)  # self.beta = nn.Parameter(...)",
    ),
    Reason(
        "NNC207",
        "setting-not-known",
        "A setting is not known to be constant.",
        "It is read through another object, imported, or computed in a way that may differ from call to call.",
        "Store the value on self in __init__: self.p = cfg.p.",
        "F.dropout(x, self.cfg.p, self.training)",
    ),
    Reason(
        "NNC208",
        "checked-at-construction",
        "The constructor would check a value that is not known to be valid, perhaps earlier than the call did.",
        "nn.Dropout(None) raises where `if self.p: F.dropout(x, self.p, ...)` never ran.",
        "Annotate the parameter of __init__ (p: float), or give it a valid default.",
        "if self.p:\n    x = F.dropout(x, self.p, self.training)",
    ),
    Reason(
        "NNC209",
        "setting-too-late",
        "A setting gets its value only after the place where the submodule would have to be registered.",
        "__init__ itself already runs the call before that, returns early, or switches the mode.",
        "Assign the setting earlier in __init__.",
        "self.size = self._probe()  # runs forward\nself.p = 0.5",
    ),
    Reason(
        "NNC210",
        "evaluation-order",
        "The inputs would be evaluated in another order.",
        "Their expressions have effects, perhaps.",
        "Compute them in variables first.",
        "F.mse_loss(target=f(), input=g())",
    ),
    Reason(
        "NNC211",
        "no-such-class",
        "No module class does this padding, or its mode or length is not known here.",
        "torch.nn has one class for each mode and for two, four and six numbers.",
        "Write the padding as a tuple of two, four or six numbers.",
        "F.pad(x, padding)",
    ),
    Reason(
        "NNC212",
        "hidden-in-init",
        "A name of the constructor call means something else in __init__.",
        "A parameter or local of __init__ hides it.",
        "Rename the parameter or local.",
        "def __init__(self, K):  # hides the global K",
    ),
    Reason(
        "NNC213",
        "call-does-not-fit",
        "The call does not fit the functional's signature.",
        "It would raise when it runs.",
        "Mend the call.",
        "F.relu()",
    ),
    # -- the class ----------------------------------------------------------------------------------------------
    Reason(
        "NNC301",
        "container",
        "The class is a container (nn.Sequential, ModuleList, ModuleDict, or derived from one).",
        "Containers run, index or count their children; a new one would be run, too.",
        "Derive from nn.Module and hold the container as a submodule.",
        "class Block(nn.Sequential):\n    def forward(self, x):\n        return F.relu(super().forward(x))",
    ),
    Reason(
        "NNC302",
        "walks-children",
        "Something walks over the children or modules of the class and would notice the new submodule.",
        "children(), modules(), _modules and apply() yield it like any other.",
        "Let the walk keep only the classes that it is about: if isinstance(m, nn.Conv2d).",
        "for m in self.children():\n    x = m(x)",
    ),
    Reason(
        "NNC303",
        "special-class",
        "The class defines __setattr__, __getattr__, __slots__ or the like, or is a dataclass.",
        "Registering a submodule may not do there what it does elsewhere.",
        "Convert by hand.",
        "@dataclass\nclass Net(nn.Module): ...",
    ),
    Reason(
        "NNC304",
        "no-place-in-init",
        "__init__ has no place that every path passes after nn.Module.__init__ has run and before the call is needed.",
        "It does not call super().__init__(), calls it on some paths only, returns before, or is defined twice.",
        "Call super().__init__() first, unconditionally.",
        "def __init__(self):\n    self.p = 0.5  # and no super().__init__()",
    ),
    Reason(
        "NNC305",
        "runs-in-base-init",
        "The __init__ of a base already runs the call, or hands self to others.",
        "The submodule would not exist yet.",
        "Move that part of the base's __init__ to the end of the subclass's.",
        "class Base(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.build()",
    ),
    Reason(
        "NNC306",
        "shared-in-loop",
        "With --split-shared: a loop that is not literal repeats the one call site of the submodule.",
        "A copy for each call site leaves it one submodule that every turn of the loop calls.",
        "Build an nn.ModuleList in __init__ and loop over it.",
        "for layer in self.layers:\n    x = self.relu(layer(x))",
    ),
    # -- mode and state -----------------------------------------------------------------------------------------
    Reason(
        "NNC401",
        "always-on",
        "The call has no training argument, so it stays on in eval mode.",
        "Nearly always a bug; yet a submodule would be off in eval, which changes behaviour.",
        "Pass training=self.training, or convert with --unsafe.",
        "F.dropout(x, 0.5)",
    ),
    Reason(
        "NNC402",
        "training-true",
        "training=True keeps the operation on in eval mode, perhaps on purpose (Monte-Carlo dropout).",
        "A submodule would be off in eval.",
        "Pass training=self.training, or convert with --unsafe.",
        "F.dropout(x, 0.5, training=True)",
    ),
    Reason(
        "NNC403",
        "training-false",
        "training=False (or its default) keeps the operation off in training, too.",
        "A submodule would be on in training.",
        "Remove the call, if it does nothing.",
        "F.dropout(x, 0.5, training=False)",
    ),
    Reason(
        "NNC404",
        "other-mode",
        "The training argument is not self.training.",
        "A submodule follows train() and eval() only.",
        "Pass training=self.training, if that is what is meant.",
        "F.dropout(x, 0.5, training=self.mc)",
    ),
    Reason(
        "NNC405",
        "mode-set-by-hand",
        "The mode is set by other means than train() and eval(), or these are overridden.",
        "model.training = False does not reach a submodule.",
        "Call model.train(False) instead.",
        "model.training = False",
    ),
    Reason(
        "NNC406",
        "takes-weights",
        "The functional takes weights.",
        "The module class keeps them as parameters or buffers, so the keys of the state_dict would change.",
        "Leave it, or write the module by hand.",
        "F.conv2d(x, self.weight)",
    ),
    Reason(
        "NNC407",
        "fresh-weights",
        "The module that is built here, in a method, has parameters or buffers.",
        "It draws new weights at every call; registered once it would keep them.",
        "Build it in __init__, if that is what is meant.",
        "return nn.Linear(8, 8)(x)",
    ),
    # -- asked for ----------------------------------------------------------------------------------------------
    Reason(
        "NNC501",
        "suppressed",
        "A comment asks to leave it: # nnconvert: skip.",
        "You said so.",
        "Remove the comment.",
        "x = F.relu(x)  # nnconvert: skip",
    ),
)

REASONS: Final[Mapping[str, Reason]] = {reason.code: reason for reason in _ROWS}
