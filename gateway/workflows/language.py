"""The language of prompts: Django's templates, less all that reaches beyond the data which they are given.

Few tags and filters are left; a variable is looked up in data alone, never among attributes; what a rendering says is
counted while it grows; a variable that isn't there is an error, unless the template provides for that.
"""

from collections.abc import Iterator
from typing import Any, NoReturn

from django.template import defaultfilters, defaulttags
from django.template.base import (
    UNKNOWN_SOURCE,
    FilterExpression,
    Lexer,
    Node,
    NodeList,
    Origin,
    Parser,
    Template,
    TextNode,
    Token,
    Variable,
    VariableDoesNotExist,
)
from django.template.context import BaseContext, Context
from django.template.defaulttags import FirstOfNode, ForNode, IfNode, WithNode
from django.template.engine import Engine
from django.template.exceptions import TemplateSyntaxError
from django.template.library import Library

from gateway.workflows.values import looked_up, size_of

_TAGS = ("comment", "firstof", "for", "if", "now", "verbatim", "with")
_FILTERS = (
    *("capfirst", "cut", "default", "default_if_none", "dictsort", "dictsortreversed", "first", "join", "last"),
    *("length", "linenumbers", "lower", "pluralize", "slice", "title", "truncatechars"),
    *("truncatewords", "upper", "wordcount", "yesno"),
)
_PROVIDES = frozenset({"default", "default_if_none"})
# What a turn of a loop counts at least: one that says nothing takes its time all the same.
_TURN = 500
# What a rendering may look at, for each character that it may say: a filter goes through all of a value.
_LOOKS = 10
_BLOCKS = (ForNode, IfNode, WithNode)

_SPOKEN = Library()
_SPOKEN.tags = {name: defaulttags.register.tags[name] for name in _TAGS}
_SPOKEN.filters = {name: defaultfilters.register.filters[name] for name in _FILTERS}
_ENGINE = Engine(autoescape=False)


class Missing(Exception):
    """`name` is not in what the template was given."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class TooLong(Exception):
    """The rendering says, or has to look at, more than it may."""


class Page(Context):
    """One rendering, that may say `most` characters."""

    def __init__(self, values: dict[str, Any], *, most: int) -> None:
        super().__init__(values, autoescape=False, use_l10n=False)
        self.left, self._unseen = most, most * _LOOKS

    def look(self, value: Any) -> None:
        """Raises TooLong."""
        self._unseen -= size_of(value)
        if self._unseen < 0:
            raise TooLong

    def count(self, length: int) -> None:
        """Raises TooLong, also where a condition has looked at too much, in which Django passes over errors."""
        self.left -= length
        if self.left < 0 or self._unseen < 0:
            raise TooLong


class Looked(Variable):
    def _resolve_lookup(self, context: Any) -> Any:
        found: Any = context
        for name in self.lookups or ():
            try:
                found = found[name] if isinstance(found, BaseContext) else looked_up(found, name)
            except LookupError as error:
                raise VariableDoesNotExist("%s is not there", (self.var,)) from error
        if isinstance(context, Page):
            context.look(found)
        return found


class Expression(FilterExpression):
    """`names` are the variables in it, each as its parts."""

    __slots__ = ("names", "provides")

    def __init__(self, token: str, parser: Parser) -> None:
        super().__init__(token, parser)
        self.names: list[tuple[str, ...]] = []
        self.var = self._of_data(self.var)
        self.filters = [
            (func, [(is_var, self._of_data(arg)) for is_var, arg in arguments]) for func, arguments in self.filters
        ]
        self.provides = any(getattr(func, "_filter_name", "") in _PROVIDES for func, _ in self.filters)

    def _of_data(self, found: Any) -> Any:
        if not isinstance(found, Variable) or not found.lookups:
            return found
        self.names.append(tuple(found.lookups))
        return Looked(str(found.var))

    def resolve(self, context: Context, ignore_failures: bool = False) -> Any:
        try:
            if self.is_var and not (ignore_failures or self.provides):
                self.var.resolve(context)
            return super().resolve(context, ignore_failures)
        except VariableDoesNotExist as error:
            raise Missing(str(error.params[0])) from error


class Counted(Node):
    """Says what `node` says, on the rendering's account."""

    def __init__(self, node: Node, *, least: int = 0) -> None:
        self._node, self._least = node, least

    def render_annotated(self, context: Context) -> str:
        said = str(self._node.render_annotated(context))
        # What is verbatim says itself when the template is compiled, to nobody.
        if isinstance(context, Page):
            context.count(max(len(said), self._least))
        return said


class PromptParser(Parser):
    """`names` are those of the variables, `locals` those that the template itself makes."""

    def __init__(self, source: str) -> None:
        super().__init__(Lexer(source).tokenize(), {}, [_SPOKEN], Origin(UNKNOWN_SOURCE))
        self.names: list[tuple[str, ...]] = []
        self.locals: set[str] = set()

    def compile_filter(self, token: str) -> Expression:
        expression = Expression(token, self)
        self.names += expression.names
        return expression

    def extend_nodelist(self, nodelist: NodeList, node: Node, token: Token) -> None:
        self.locals.update(_made_by(node))
        if isinstance(node, ForNode):
            turns: list[Any] = node.nodelist_loop
            turns.append(Counted(TextNode(""), least=_TURN))
        super().extend_nodelist(nodelist, node if isinstance(node, _BLOCKS) else Counted(node), token)

    def find_filter(self, filter_name: str) -> Any:
        if filter_name not in self.filters:
            raise TemplateSyntaxError(f"There is no filter `{filter_name}` here. There are: {', '.join(_FILTERS)}.")
        return self.filters[filter_name]

    def invalid_block_tag(self, token: Token, command: str, parse_until: Any = None) -> NoReturn:
        expected = f" Before it, {' or '.join(parse_until)} is missing." if parse_until else ""
        told = f"`{{% {command} %}}` can't be used here. There are: {', '.join(_TAGS)}.{expected}"
        raise self.error(token, TemplateSyntaxError(told))


class PromptTemplate(Template):
    """Raises TemplateSyntaxError, whose `token`, where it has one, knows its line."""

    def compile_nodelist(self) -> NodeList:
        parser = PromptParser(self.source)
        nodelist = parser.parse()
        self.names, self.locals = tuple(parser.names), frozenset(parser.locals)
        return nodelist

    @classmethod
    def of(cls, source: str) -> "PromptTemplate":
        return cls(source, engine=_ENGINE)


def _made_by(node: Node) -> Iterator[str]:
    if isinstance(node, ForNode):
        yield from (*node.loopvars, "forloop")
    elif isinstance(node, WithNode):
        yield from node.extra_context
    elif isinstance(node, FirstOfNode) and node.asvar:
        yield node.asvar
