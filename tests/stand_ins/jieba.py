"""In the place of the segmenter jieba, which is too large to install for one page."""

lcut = list
