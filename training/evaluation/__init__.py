"""How good a network is: comparisons, rates, protocols, reports.

Imports no Django and reads no environment; matplotlib, pandas and pyarrow are imported
where a function needs them.

A score is a cosine, -1..1, higher is closer. Minus infinity stands for a comparison without a
template (failure to enroll): it counts as an error. Every bad input is an
`arrays.EvaluationError` (a ValueError) with a `code`. All results are frozen dataclasses.

    comparisons    compare_all(templates, identities, keep=, part=, progress=) -> Comparisons
                   compare_sets(probes, probe_identities, gallery, gallery_identities)
                   Comparisons: mated, nonmated (65,536 bins), hardest_mated, hardest_nonmated
                   (PairList: first, second, scores), total, plus(other)
    curves         ErrorCurve.of_scores(scores, mated), .of_comparisons(found); at(threshold),
                   threshold_at_fmr(target), eer(), auc(), best_accuracy()
    resampling     IdentityCounts.of_pairs(...), .of_templates(templates, identities)
    uncertainty    Rate, NotSupported (together: Measured), Estimate, Interval, wilson, measured
    verification   verify_pairs(scores, mated, first, second, folds=) -> Verification
                   verify_all(comparisons, identity_counts, failed_mated=, failed_nonmated=)
                   failed_comparisons(identities, failed) -> (mated, nonmated)
    identification search(probes, probe_identities, gallery, gallery_identities) -> {rule: Searches}
                   identify(searches) -> Identification
                   choose_threshold(stranger_scores, target_fpir, people=, future=)
                       -> ThresholdChoice (threshold, prediction interval) | NotSupported
    sizes          by_gallery_size(templates, identities, sizes) -> results for identify(sizes=)
    fusion         RULES: max, mean, top_mean, centroid, vote
    classification classify(truth, answers, names, scores=, milliseconds=) -> Classification
    quality        error_versus_discard(measure, mated_scores, quality, quality, threshold)
    groups         templates_by_group(templates, identities, groups, threshold), pairs_by_group
    paired         compare_models(first_scores, second_scores, mated, identities, identities)
    suspects       suspects(templates, identities, keep=) -> doubtful labels, worst first
    report         Report(title, created, subject, headline, ...sections), to_dict(), from_dict()
    headlines      write_headline(subject, verification=, ...) -> Headline; rate_text(measured)
    plots          names(report), draw(report, name, "png" | "svg" | "pdf") -> bytes
    pdf            write_pdf(report) -> bytes, A4 with headline, figures and tables
    plotly_figures figures(report) -> {name: {title, data, layout, config}} for Plotly.newPlot
    tables         tables(report) -> tables in words; csv_files(report) -> {name: CSV text}
    protocols      lfw_view2(text), read_pairs_csv(text), generate_pairs(images, identities, n)
                   -> PairProtocol (first, second, mated, folds, manifest(), to_csv());
                   split_search(identities, enrolled=) -> SearchProtocol (gallery, probes,
                   strangers: rows)
    splits         stratified_split, identity_disjoint_split(identities, {"train": 0.8, ...});
                   find_leaks(rows, rows, identities=, sha256=, hashes=, templates=) -> Leaks
    export         export_size(...) -> ExportSize, export_pairs(path, templates, identities, names,
                   Selection(kind, low, high), "csv.gz" | "parquet")

Cancelling: pass `progress(done, total)` and raise in it.
"""
