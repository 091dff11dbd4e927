"""The words of questions that mean the same whatever the tables are: what to compute, by what, in which order."""

import re

__all__ = ["LESS", "NUMBER", "NUMBERS", "PHRASES", "amount", "compared"]

_TAGGED = {
    "QTY": "how many|number of|numbers of|count of|counts of|count|counts|how often|number|how much",
    "SUM": "total|sum|sum of|total of|overall|altogether|in total|combined|in all|total number of|total amount of"
    "|all together|in sum",
    "AVG": "average|mean|avg|on average|average of|mean of|average number of|mean number of|an average of",
    "MEDIAN": "median|median of|median number of",
    "MIN": "minimum|min|minimum number of|minimum of",
    "MAX": "maximum|max|maximum number of|maximum of",
    "SHARE": "share of|share|percentage|percent|percentage of|percent of|proportion|proportion of|fraction|fraction of"
    "|portion of|shares|percentages|percentage share|shares of|portion",
    "MOST": "most|highest|largest|biggest|greatest|top|busiest|most common|most frequent|most frequently|commonest"
    "|most often|largest number of|highest number of|greatest number of|most commonly|most prevalent"
    "|most numerous|biggest number of|maximum number",
    "LEAST": "fewest|least|lowest|smallest|bottom|least common|least frequent|rarest|least often|quietest"
    "|smallest number of|lowest number of|least frequently|least commonly|fewest number of",
    "NEWEST": "latest|most recent|newest|last|most recently|the last|latest ever",
    "OLDEST": "earliest|oldest|first|the first|first ever",
    "BY": "by|per|for each|for every|each of|each of the|in each of|in each of the|in each|in every|each|every"
    "|broken down by|grouped by|split by|across|of each|by each|on each|from each|to each|within each"
    "|per each|separated by|breakdown by|break down by|split out by|group by|with each|across each"
    "|during each|across all|for each of the|for all|for the different|for the various|by the|grouped per",
    "RANK": "rank|ranked by|sorted by|ordered by|order by|sort by|rank by|ranked|sorted|ordered|ranking|in order of"
    "|according to|based on|in terms of|measured by|when ranked by|when measured by|as measured by",
    "DESC": "descending|in descending order|from highest to lowest|from most to least|largest first|highest first"
    "|most first|biggest first|from largest to smallest|decreasing|from most to fewest",
    "ASC": "ascending|in ascending order|from lowest to highest|smallest first|fewest first|lowest first"
    "|increasing order|from fewest to most|from smallest to largest",
    "NOT": "not|other than|except|excluding|except for|apart from|outside|outside of|non|exclude|but not|aside from"
    "|anything but|anything other than|besides|leaving out|ignoring|neither|nor|isn't|aren't|wasn't|weren't"
    "|didn't|don't|doesn't",
    "NULL": "missing|not known|no known|unknown|without|without a|without any|with no|have no|has no|had no|lack"
    "|lacks|lacked|lacking|empty|null|blank|not recorded|not set|not given|not stated|not specified"
    "|unspecified|do not have a|don't have a|do not have any|without an|no|does not have a|not have a"
    "|not have an|not have any|have no known|without a known|no recorded|unrecorded|with missing|with unknown"
    "|with an unknown|with a missing|not available|with no known|not filled in|undefined|without known"
    "|without recorded|do not state|do not name|not have|do not specify|with an empty|not provided",
    "HAS": "have a|has a|had a|with a|have an|has an|with an|that have a|having a",
    "KNOWN": "known|not null|not missing|not empty|non null|with a known|non missing|recorded|with any|available"
    "|specified|have a known|filled in|not blank|have any|not unknown|stated",
    "CMP": "compare|compared|comparison|versus|vs|against|compared to|compared with|comparison of|comparing|how do"
    "|how does|how did",
    "MORE": "more|higher|larger",
    "FEWER": "fewer|less|smaller|lower",
    "THAN": "than",
    "GROW": "grow|grew|growth|growth of|change|changed|increase|increased|decrease|decreased|decline|declined|rise"
    "|rose|fall|fell|difference|difference in|go up|go down|drop|dropped|percent change|percentage change"
    "|growth rate|relative change|grown|fallen|risen|increase in|decrease in|change in|growth in"
    "|percentage increase|percent increase|increase of|absolute change|percentage growth|difference between"
    "|percentage decrease|percent decrease|percentage growth of|by how much|by what percentage"
    "|by how many percent|by what percent|by how many",
    "DISTINCT": "different|distinct|unique",
    "ALL": "all|any|of all|every single|all of the|among all|in the whole data set|in the data|in the dataset"
    "|in the data set|ever|on record|so far|in our data|overall ever|there ever",
    "AND": "and|as well as|both|plus|and also|and to|and in|and for|and from",
    "OR": "or|either|or in|or a|or for|or from",
    "WHICH": "which|what|what's|who|whose|name|list|names of|list of|identify",
    "WHEN": "when|on what date|on which date|what date|which date|date of|date|what was the date of|dates|on what day"
    "|what day",
    "TREND": "trend|trends|over time|trend of|trend in|develop|developed|evolve|evolved|time series|series|development"
    "|history|evolution|trend over time|timeline|time series of",
    "UNITS day": "day|days|date|calendar day|single day|individual day",
    "UNITS week": "week|weeks|calendar week",
    "UNITS month": "month|months",
    "UNITS quarter": "quarter|quarters|calendar quarter",
    "UNITS year": "year|years|calendar year|calendar years",
    "UNITS weekday": "weekday|weekdays|day of the week|day of week|days of the week|week day|days of week",
    "UNITS month of the year": "month of the year|months of the year|calendar month|calendar months|month of year",
    "EVERY day": "daily|day by day|day to day",
    "EVERY week": "weekly|week by week",
    "EVERY month": "monthly|month by month|month over month|month on month|month to month",
    "EVERY quarter": "quarterly|quarter by quarter|quarter over quarter",
    "EVERY year": "yearly|annual|annually|year by year|year on year|year over year|year to year",
    "OVER_EACH": "year over year growth|year on year growth|year over year change|year on year change|annual growth"
    "|yearly growth|growth by year|change by year",
    "CUM": "cumulative|running total|cumulatively|running total of|cumulative number of|running|cumulative total of",
    "ONCE": "once|time|times|twice",
    "REPEAT": "repeatedly|multiple times|several times|more than one time|multiple|more than once",
    "SINGLE": "single|one single|individual",
    "AT_LEAST": "at least|no lower than",
    "RATIO": "ratio of|ratio|ratio between",
    "SHAREOF": "as a share of|as a percentage of|as a proportion of|as a fraction of|as a percent of|as share of"
    "|as percentage of",
    "OR_HIGHER": "or higher|or above|or worse|or more severe|and above|and higher|or greater|or more",
    "OR_LOWER": "or lower|or below|or less severe|and below|and lower|or less",
    "TO": "to|sent to|going to|went to|sending to|toward|towards|send to|received by|by recipient|flowing to"
    "|goes to|reaching|reached",
    "ON": "on|at|from|found on|seen on",
    "TIME opened": "opened|submitted|filed|reported|were reported|was reported",
    "TIME closed": "closed|resolved",
    "TIME first": "first seen|first observed|first detected|first appeared|first noticed|newly seen|first found"
    "|first appear|first recorded|started",
    "TIME last": "last seen|last observed|last detected|most recently seen|last appeared|last found|last recorded",
    "TIME received": "received",
    "AFFECT": "affected|affecting|affect|affects|impacted|impacting|hit|impact|harmed|exposed|hurt",
    "PRESENT": "seen|present|visible",
    "WEAK": "the|a|an|me|us|please|can|could|you|tell|show|give|display|find|get|there|were|was|is|are|been|be|do"
    "|does|did|of|in|for|that|these|those|their|its|it|i|we|our|want|know|would|like|see|with|has|have|had"
    "|happened|occurred|happen|occur|took place|take place|made|found|involved|involving|involve|involves"
    "|come|came|comes|account for|accounted for|make up|made up|attributed to|due to|caused by|classified as"
    "|labelled|labeled|marked as|marked|called|named|concerning|about|concern|regarding|experienced|suffered"
    "|saw|this|then|as|so|up|had the|out of|being|describe|where|whom|they|into|during|who|let|calculate"
    "|compute|determine|value|values|many|record|contain|contains|containing|categorized as|categorised as"
    "|cause|using|use|used|relating to|related to|occurring|happening|equal to|equals|belong to|under|my|your"
    "|now|currently|current|still|exist|exists|appear|appears|appeared|included|include|includes|rated|graded"
    "|filed as|listed as|coming|arising|resulting|based|located|located in|based in|having|level|levels"
    "|type of|kind of|figure|figures|respectively|that are|that were|that was|that is|data|answer|provide"
    "|report|registered|logged|result|end up|ended|at a|the same|also|altogether|just|of the|say|says"
    "|were there|do you have|produced|produce|took|take|was there|across|went|go|got|by a|committed by"
    "|coded as|recorded|observed|detected|entered|noted|did you|resulted|resulted in|when|given|among|grouped"
    "|within|one|overall|single out|ranked as|break|down|broken|out|ones|set|occurrence of|category of"
    "|through|via|accounts for|is there|evidence|what's|who's|let's|when's|responsible|responsible for|behind"
    "|fall under|fell under|fall into|counted|counting|split|against",
}
PHRASES: dict[tuple[str, ...], str] = {}
for _tag, _words in reversed(list(_TAGGED.items())):  # what stands earlier wins
    for _phrase in _words.split("|"):
        PHRASES[tuple(_phrase.split())] = _tag

NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50, "once": 1, "twice": 2,
}  # fmt: skip
_TIMES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "millions": 1e6, "bn": 1e9, "billion": 1e9,
          "hundred": 100}  # fmt: skip
_N = rf"(?:\d[\d,]*(?:\.\d+)?|{'|'.join(NUMBERS)}|a(?= (?:hundred|thousand|million)))"
NUMBER = rf"(?:{_N}(?: ?(?:{'|'.join(_TIMES)})\b)?%?)"
_SIGNS = {
    ">": r"more than|over|above|greater than|exceeding|exceeds?|in excess of|larger than|higher than|bigger than|>",
    ">=": r"at least|no fewer than|no less than|not less than|not fewer than|a minimum of|>=|≥",
    "<": r"fewer than|less than|under|below|smaller than|lower than|<",
    "<=": r"at most|no more than|not more than|up to|a maximum of|<=|≤",
    "=": r"exactly|precisely|equal to|=",
}
LESS = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "=": "<>"}
_COMPARED = [(sign, re.compile(rf"(?:is |are |was |were )?(?:{words}) ?(?P<n>{NUMBER})(?![\w.,]*\d)"))
             for sign, words in _SIGNS.items()]  # fmt: skip
_OR_MORE = re.compile(rf"(?P<n>{NUMBER}) (?:[a-z]+ ){{0,2}}?or (?P<way>more|fewer|less|greater|higher|lower)\b")
_PLUS = re.compile(r"(?P<n>\d[\d,]*)\+")
_WITHIN = re.compile(rf"(?:between|from) (?P<a>{NUMBER}) (?:and|to) (?P<b>{NUMBER})(?![\w.,]*\d)")


def amount(text: str) -> float:
    """Return the number that TEXT is: 1,000, 10k, two million, ten."""
    found = re.fullmatch(rf"(?P<n>{_N})(?: ?(?P<times>[a-z]+))?%?", text.strip())
    if not found:
        raise ValueError(text)
    n = NUMBERS.get(found["n"], 1 if found["n"] == "a" else None)
    value = float(found["n"].replace(",", "")) if n is None else float(n)
    return value * _TIMES.get(found["times"] or "", 1) / (100 if text.endswith("%") else 1)


def compared(text: str, at: int) -> tuple[list[tuple[str, float]], str, int] | None:
    """Return the comparisons with numbers that TEXT has at AT, the words between, and where they end; or None."""
    if found := _WITHIN.match(text, at):
        return [(">=", amount(found["a"])), ("<=", amount(found["b"]))], "", found.end()
    if found := _OR_MORE.match(text, at):
        sign = ">=" if found["way"] in ("more", "greater", "higher") else "<="
        between = text[found.end("n") : found.start("way")].strip()
        return [(sign, amount(found["n"]))], between.removesuffix("or").strip(), found.end()
    if found := _PLUS.match(text, at):
        return [(">=", amount(found["n"]))], "", found.end()
    for sign, pattern in _COMPARED:
        if found := pattern.match(text, at):
            return [(sign, amount(found["n"]))], "", found.end()
    return None
