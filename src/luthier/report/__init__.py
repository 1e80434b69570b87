"""What a run hands to its reader: `html.render` gives report.html, `card.render` the model card.

    wording → controls, metrics, snippets → opening
    tags → svg → html_search, html_explain, html_answers, html_calibration, html_data → html
    wording, controls, metrics, snippets, opening, html_calibration → card

Pure functions of plain data (results.json and the rows of trials.csv and curves.csv), so a report can be made again at
any time. Text from data is escaped wherever it is shown, and nothing is loaded from the network.
"""
