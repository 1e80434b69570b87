"""What a run hands to its reader: `html.render` gives report.html, `card.render` the model card.

    wording, opening → svg, tags → html_search, html_data → html
    wording, opening → card

Pure functions of plain data (results.json and the rows of trials.csv and curves.csv), so a report can be made again at
any time. Text from data is escaped wherever it is shown, and nothing is loaded from the network.
"""
