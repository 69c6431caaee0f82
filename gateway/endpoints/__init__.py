"""The endpoints of the inference API: what each asks and answers, beside the pipeline that all of them share."""
