"""All rules of two items in a file of baskets, by efficient-apriori, as JSON: FILE SUPPORT_MIN CONFIDENCE_MIN."""

import json
import sys

from efficient_apriori import apriori

with open(sys.argv[1], encoding="utf-8") as file:
    baskets = [tuple(line.strip().split(",")) for line in file]
support_min, confidence_min = map(float, sys.argv[2:])
_, rules = apriori(baskets, min_support=support_min, min_confidence=confidence_min, max_length=2)
print(
    json.dumps(
        {
            "rules": [
                {
                    "if": rule.lhs[0],
                    "then": rule.rhs[0],
                    "support": rule.support,
                    "confidence": rule.confidence,
                    "lift": rule.lift,
                }
                for rule in rules
            ]
        }
    )
)
